/*
 * The CNI configuration list: what stands in it, and which file container runtimes take.
 */
#include "agent/core/cnilist.h"

#include "lib/mem.h"
#include "tests/unit/unit.h"

static struct ip_prefix cidr[3];

static void
setup(void)
{
	cidr[0] = px("10.244.1.0/24");
	cidr[1] = px("fd00:10:244:1::/64");
	cidr[2] = px("10.245.1.0/25");
}

static char *
compact(char *text)
{
	char *to = text;

	for (const char *c = text; *c; c++)
		if (*c != ' ' && *c != '\n')
			*to++ = *c;
	*to = '\0';
	return text;
}

static const struct {
	struct cnilist l;
	const char *want;
} lists[] = {
	{ { .version = "1.0.0", .mtu = 1500, .portmap = true, .data_dir = "/run/x", .ncidrs = 2 },
	    "{\"cniVersion\":\"1.0.0\",\"name\":\"weft\",\"plugins\":[{\"type\":\"ptp\",\"mtu\":1500,"
	    "\"ipMasq\":false,\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"/run/x\",\"ranges\":"
	    "[[{\"subnet\":\"10.244.1.0/24\"}],[{\"subnet\":\"fd00:10:244:1::/64\"}]],\"routes\":"
	    "[{\"dst\":\"0.0.0.0/0\"},{\"dst\":\"::/0\"}]}},{\"type\":\"portmap\",\"capabilities\":"
	    "{\"portMappings\":true}}]}" },
	{ { .version = "0.3.1", .bridge = "cni0", .bandwidth = true, .data_dir = "/d", .ncidrs = 1 },
	    "{\"cniVersion\":\"0.3.1\",\"name\":\"weft\",\"plugins\":[{\"type\":\"bridge\",\"bridge\":"
	    "\"cni0\",\"isGateway\":true,\"hairpinMode\":true,\"ipMasq\":false,\"ipam\":{\"type\":"
	    "\"host-local\",\"dataDir\":\"/d\",\"ranges\":[[{\"subnet\":\"10.244.1.0/24\"}]],"
	    "\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}},{\"type\":\"bandwidth\",\"capabilities\":"
	    "{\"bandwidth\":true}}]}" },
	/* a second range of a family stands in for the first: a pod has one address of each family */
	{ { .version = "0.4.0", .data_dir = "/d", .ncidrs = 3 },
	    "{\"cniVersion\":\"0.4.0\",\"name\":\"weft\",\"plugins\":[{\"type\":\"ptp\",\"ipMasq\":"
	    "false,\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"/d\",\"ranges\":[[{\"subnet\":"
	    "\"10.244.1.0/24\"},{\"subnet\":\"10.245.1.0/25\"}],[{\"subnet\":\"fd00:10:244:1::/64\"}]],"
	    "\"routes\":[{\"dst\":\"0.0.0.0/0\"},{\"dst\":\"::/0\"}]}}]}" },
};

START_TEST(text)
{
	struct cnilist l = lists[_i].l;
	char *got;

	l.cidr = cidr;
	got = cnilist_text(&l);
	ck_assert_str_eq(strchr(got, '\0') - 1, "\n");
	ck_assert_str_eq(compact(got), lists[_i].want);
	mem_free(got);
}
END_TEST

static const struct {
	const char *name;
	bool before;
} names[] = {
	{ "05-cilium.conflist", true }, { "10-calico.conflist", true }, { "10-flannel.conf", true },
	{ "00-x.json", true }, { "10-weft.conflist", false }, { "87-podman.conflist", false },
	{ "05-x.conflist.disabled", false }, { ".weft.new", false }, { "README", false },
	{ ".conf", false },
};

START_TEST(before)
{
	ck_assert_int_eq(cnilist_is_before(names[_i].name, "10-weft.conflist"), names[_i].before);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cnilist");
	TCase *tc = unit_case(s, "all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, text, 0, NROWS(lists));
	tcase_add_loop_test(tc, before, 0, NROWS(names));
	return unit_run(s);
}

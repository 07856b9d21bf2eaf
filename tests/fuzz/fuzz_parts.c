/*
 * Any octets as manifests of objects beside a file that is right: whatever they are, there is a
 * configuration; every finding names its part; what was taken once is taken again, alone and as what
 * was good last.
 */
#include <string.h>

#include "lib/conf_parts.h"
#include "lib/mem.h"
#include "tests/conf/testconf.h"
#include "tests/fuzz/fuzz.h"

#define PARTS_MAX 16
#define FILE_TEXT "bgp: {asNumber: 64512}\nkernel: {permit: [10.244.0.0/16]}\npeers: [{peerIP: 10.0.0.1, " \
		  "asNumber: 1}]\nfilters: {f: {importV4: [{action: Accept}]}}\n"

static void
check_load(const struct conf_part *v, size_t n)
{
	struct conf_errs errs = { 0 };
	struct conf *c = conf_load_parts(&testconf_env, v, n, &errs);
	char *all = conf_errs_text(&errs);

	HOLD((c == NULL) == (errs.nerrors > 0) || n == 0);
	HOLD(errs.nparts == n);
	for (size_t i = 0; i < errs.n; i++)
		HOLD(errs.v[i].part < n && errs.v[i].wanted && *errs.v[i].wanted);
	mem_free(all);
	conf_free(c);
	conf_errs_free(&errs);
}

/* Put them together; those that are taken become good. */
static void
check_compose(struct conf_source_part *v, size_t n)
{
	char *errors, *warnings;
	struct conf *c = conf_compose(&testconf_env, v, n, &errors, &warnings);

	HOLD(c);
	HOLD(v[0].verdict == CONF_TAKEN);
	for (size_t i = 0; i < n; i++) {
		HOLD(v[i].verdict != CONF_TAKEN || !*v[i].why);
		HOLD(v[i].verdict != CONF_KEPT || v[i].good);
		if (v[i].verdict == CONF_TAKEN) {
			v[i].good = v[i].part.text;
			v[i].good_len = v[i].part.len;
		}
		mem_free(v[i].why);
	}
	mem_free(errors);
	mem_free(warnings);
	conf_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct conf_source_part v[PARTS_MAX] = { { .part = { .kind = CONF_PART_FILE, .name = "file",
						       .text = FILE_TEXT, .len = strlen(FILE_TEXT) } } };
	enum conf_verdict was[PARTS_MAX];
	struct conf_errs form = { 0 };
	struct conf_manifest m;
	char *all;
	size_t n = 1;

	conf_manifest_read(&m, "fuzz", (const char *)in, len, &form);
	all = conf_errs_text(&form);
	mem_free(all);
	check_load(m.part, m.n);
	for (size_t i = 0; i < m.n && n < PARTS_MAX; i++)
		if (m.part[i].kind != CONF_PART_FILE)
			v[n++].part = m.part[i];
	check_compose(v, n);
	for (size_t i = 0; i < n; i++)
		was[i] = v[i].verdict;
	check_compose(v, n);
	for (size_t i = 0; i < n; i++)
		HOLD(was[i] != CONF_TAKEN || v[i].verdict == CONF_TAKEN);
	conf_manifest_free(&m);
	conf_errs_free(&form);
	return 0;
}

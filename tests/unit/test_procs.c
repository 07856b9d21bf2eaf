/*
 * What the agent reads below /proc: which programs run, and numbers of settings.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/procs.h"
#include "agent/sysctl.h"
#include "tests/unit/unit.h"

/* A process of that name, which it has got when this returns; it ends by SIGKILL. */
static pid_t
runs(const char *name)
{
	int fd[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!write(fd[1], "x", 1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
	return pid;
}

static void
ends(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* All at first, then what is new: either finds it, and either sees that it has ended. */
START_TEST(programs_are_found)
{
	struct procs p = { 0 };
	pid_t first = runs("NetworkManager"), second;

	procs_look(&p, false);
	ck_assert_uint_eq(p.network_manager, (uint32_t)first);
	second = runs("systemd-network");
	procs_look(&p, false);
	ck_assert_uint_eq(p.network_manager, (uint32_t)first);
	ck_assert_uint_eq(p.networkd, (uint32_t)second);
	ends(second);
	procs_look(&p, false);
	ck_assert_uint_ne(p.networkd, (uint32_t)second);
	ends(first);
	procs_look(&p, true);
	ck_assert_uint_ne(p.network_manager, (uint32_t)first);
}
END_TEST

/* The last look met it while it had another name still. */
START_TEST(program_that_is_named_late)
{
	pid_t other = runs("NetworkManager");
	struct procs p = { .newest = (uint32_t)other, .newest_before = (uint32_t)other - 1 };

	procs_look(&p, false);
	ck_assert_uint_eq(p.network_manager, (uint32_t)other);
	ends(other);
}
END_TEST

/* Numbers are given out anew from the start: then all are looked at. */
START_TEST(numbers_that_start_anew)
{
	struct procs p = { .newest = UINT32_MAX, .newest_before = UINT32_MAX };
	pid_t pid = runs("NetworkManager");

	procs_look(&p, false);
	ck_assert_uint_eq(p.network_manager, (uint32_t)pid);
	ck_assert_uint_lt(p.newest, UINT32_MAX);
	ends(pid);
}
END_TEST

/* So they had at the last look: what is new since has higher numbers than then, not than before. */
START_TEST(numbers_that_started_anew_before)
{
	pid_t pid = runs("NetworkManager");
	struct procs p = { .newest = (uint32_t)pid - 1, .newest_before = UINT32_MAX };

	procs_look(&p, false);
	ck_assert_uint_eq(p.network_manager, (uint32_t)pid);
	ends(pid);
}
END_TEST

/* A child that has its parent's name still is not taken for it, nor does its end hide the parent. */
START_TEST(child_with_the_name_of_its_parent)
{
	struct procs p = { 0 };
	pid_t parent = runs("NetworkManager"), child;

	procs_look(&p, false);
	child = runs("NetworkManager");
	procs_look(&p, false);
	ck_assert_uint_eq(p.network_manager, (uint32_t)parent);
	p.network_manager = (uint32_t)child; /* found by its number, before the parent had its name */
	ends(child);
	for (int i = 0; i < 3; i++) /* the parent's number is below those that are looked at */
		procs_look(&p, false);
	ck_assert_uint_eq(p.network_manager, (uint32_t)parent);
	ends(parent);
}
END_TEST

/* The number in a file of /proc/sys, without keeping anything open. */
static int
read_plainly(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = -1;

	if (f) {
		ck_assert_int_eq(fscanf(f, "%d", &n), 1);
		fclose(f);
	}
	return n;
}

/* In any order, again and again, more than are kept open, and one that is not there. */
START_TEST(settings_are_read)
{
	int forward = read_plainly("/proc/sys/net/ipv4/ip_forward");
	int accept = read_plainly("/proc/sys/net/ipv6/conf/lo/accept_ra");
	struct sysctls *s = sysctls_new();

	for (int round = 0; round < 4; round++) {
		sysctls_begin(s);
		for (int i = 0; i < 50; i++) {
			ck_assert_int_eq(sysctls_number(s, "net/ipv4/%s", "ip_forward"), forward);
			if (round == 2)
				ck_assert_int_eq(sysctls_number(s, "net/ipv4/conf/%s/rp_filter", "none0"), -1);
			ck_assert_int_eq(sysctls_number(s, "net/ipv6/conf/%s/accept_ra", "lo"), accept);
		}
	}
	sysctls_free(s);
	sysctls_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("procs");
	TCase *tc = unit_case(s, "procs");

	tcase_add_test(tc, programs_are_found);
	tcase_add_test(tc, program_that_is_named_late);
	tcase_add_test(tc, numbers_that_start_anew);
	tcase_add_test(tc, numbers_that_started_anew_before);
	tcase_add_test(tc, child_with_the_name_of_its_parent);
	tcase_add_test(tc, settings_are_read);
	return unit_run(s);
}

/*
 * See onlooker.h. What it knows is in memory shared with the one who asks.
 */
#include "tests/bench/onlooker.h"

#include <err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/mem.h"

#define LOOK_US 1000 /* as the scenarios that put routes into the kernel do */
#define ASK_US	100
#define WAIT_US 60000000

struct known {
	atomic_bool ready;
	atomic_uint there[2];	 /* IPv4, IPv6 */
	atomic_uint_least64_t us; /* when the last message was read */
};

struct onlooker {
	pid_t pid;
	struct known *known;
};

static void
nap(long us)
{
	struct timespec ts = { .tv_nsec = us * 1000 };

	nanosleep(&ts, NULL);
}

static _Noreturn void
look_on(const struct onlooker *o, const struct kernmon_want *v4, const struct kernmon_want *v6)
{
	struct kernmon *k;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	k = kernmon_open(NULL, v4, v6);
	atomic_store(&o->known->ready, true);
	for (;;) {
		if (kernmon_read(k)) {
			atomic_store(&o->known->us, kernmon_time(k).us);
			atomic_store(&o->known->there[0], kernmon_there(k, IP4));
			atomic_store(&o->known->there[1], kernmon_there(k, IP6));
		}
		nap(LOOK_US);
	}
}

static bool
is_ready(const struct onlooker *o)
{
	return atomic_load(&o->known->ready);
}

struct onlooker *
onlooker_start(const struct kernmon_want *v4, const struct kernmon_want *v6)
{
	struct onlooker *o = mem_zalloc(sizeof *o);

	o->known = mmap(NULL, sizeof *o->known, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (o->known == MAP_FAILED)
		err(2, "shared memory");
	o->pid = fork();
	if (o->pid < 0)
		err(2, "fork");
	if (o->pid == 0)
		look_on(o, v4, v6);
	while (!is_ready(o)) {
		if (waitpid(o->pid, NULL, WNOHANG) != 0)
			errx(2, "the onlooker has ended");
		nap(ASK_US);
	}
	return o;
}

void
onlooker_stop(struct onlooker *o)
{
	kill(o->pid, SIGKILL);
	waitpid(o->pid, NULL, 0);
	munmap(o->known, sizeof *o->known);
	mem_free(o);
}

double
onlooker_wait(const struct onlooker *o, uint8_t af, uint32_t n)
{
	for (uint64_t us = 0; atomic_load(&o->known->there[af == IP6]) != n; us += ASK_US) {
		if (us > WAIT_US)
			errx(1, "the kernel tells of other routes than those that were set");
		nap(ASK_US);
	}
	return (double)atomic_load(&o->known->us) / 1e6;
}

/*
 * What all scenarios begin and end with.
 */
#include "lib/clock.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/sess.h"

#define QUIET_US 200000

bool
phase_up(struct load *l)
{
	struct mono_us up;

	sess_start_all(l);
	if (!load_until(l, sess_all_up, "sessions up"))
		return false;
	up = clock_mono();
	load_result_num(l, "sessions", l->nup);
	load_result_num(l, "seconds_up", load_seconds(l->first_at, up));
	load_event(l, "up", "sessions=%u seconds=%.6f", l->nup, load_seconds(l->first_at, up));
	load_pause(l, "up");
	l->cpu_at = load_cpu();
	return !l->failed;
}

void
phase_quiet(struct load *l)
{
	load_result_num(l, "generator_cpu_work", load_cpu() - l->cpu_at);
	load_pause(l, "complete");
	load_serve(l, QUIET_US);
}

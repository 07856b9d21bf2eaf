/*
 * Other programs on this node; see procs.h.
 */
#include "agent/procs.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DROPINS_MAX 64
#define FEW	    100 /* numbers to try one by one, which takes less than to list all */

bool
proc_name(uint32_t pid, char ret[PROC_NAME_MAX])
{
	char path[40];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof path, "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, ret, PROC_NAME_MAX - 1);
		close(fd);
	}
	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return n > 0;
}

#define NETWORKD	"systemd-network"
#define NETWORK_MANAGER "NetworkManager"

/* The number that the last new process got: the last word of that file; 0: unknown. */
static uint32_t
last_pid(void)
{
	char text[96], *word;
	ssize_t n = -1;
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	word = strrchr(text, ' ');
	return word ? (uint32_t)strtoul(word, NULL, 10) : 0;
}

/* Forget it when it has ended; true when it has. */
static bool
has_ended(uint32_t *pid, const char *name)
{
	char now[PROC_NAME_MAX];

	if (*pid == 0 || (proc_name(*pid, now) && strcmp(now, name) == 0))
		return false;
	*pid = 0;
	return true;
}

/* The first of a name counts: later ones are its threads, and children that run nothing else yet. */
static void
look_at_one(struct procs *p, uint32_t pid)
{
	char name[PROC_NAME_MAX];

	if (!proc_name(pid, name))
		return;
	if (p->networkd == 0 && strcmp(name, NETWORKD) == 0)
		p->networkd = pid;
	else if (p->network_manager == 0 && strcmp(name, NETWORK_MANAGER) == 0)
		p->network_manager = pid;
}

/* Those of a higher number; returns the highest there is. */
static uint32_t
look_at_all(struct procs *p, uint32_t above)
{
	DIR *d = opendir("/proc");
	uint32_t newest = 0, pid;
	struct dirent *e;

	/* cppcheck-suppress readdirCalled ; one thread, and readdir_r() is deprecated */
	while (d && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		pid = (uint32_t)strtoul(e->d_name, NULL, 10);
		newest = pid > newest ? pid : newest;
		if (pid > above)
			look_at_one(p, pid);
	}
	if (d)
		closedir(d);
	return newest;
}

void
procs_look(struct procs *p, bool all)
{
	uint32_t last = last_pid(), above, newest;

	all |= has_ended(&p->networkd, NETWORKD); /* or what was kept was a thread of it */
	all |= has_ended(&p->network_manager, NETWORK_MANAGER);
	all |= last < p->newest || last < p->newest_before;
	above = all ? 0 : p->newest_before;
	if (above != 0 && last - above <= FEW) {
		for (uint32_t pid = above + 1; pid <= last; pid++)
			look_at_one(p, pid);
		newest = last;
	} else {
		newest = look_at_all(p, above);
	}
	p->newest_before = p->newest;
	p->newest = last ? last : newest;
}

/* ---- systemd-networkd's settings --------------------------------------------- */

/* `Key = value` of that key: the value, else NULL. */
static const char *
value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	line += strspn(line, " \t");
	if (strncmp(line, key, n) != 0)
		return NULL;
	line += n;
	line += strspn(line, " \t");
	return *line == '=' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

static bool
is_no(const char *value)
{
	static const char *const no[] = { "no", "n", "false", "f", "off", "0" };
	size_t len = strcspn(value, " \t\r\n");

	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		if (strlen(no[i]) == len && strncasecmp(value, no[i], len) == 0)
			return true;
	return false;
}

static void
read_settings(const char *path, bool *foreign)
{
	FILE *f = fopen(path, "re");
	bool network = false;
	char line[512];

	while (f && fgets(line, sizeof line, f)) {
		const char *v = value_of(line, "ManageForeignRoutes");

		if (line[0] == '[')
			network = strncmp(line, "[Network]", 9) == 0;
		else if (network && v)
			*foreign = !is_no(v);
	}
	if (f)
		fclose(f);
}

/* A drop-in file; of two with one name that of the later folder counts. */
struct dropin {
	char name[NAME_MAX + 1];
	int folder;
};

static int
dropin_cmp(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

static size_t
dropins_add(struct dropin *v, size_t n, const char *path, int folder)
{
	DIR *d = opendir(path);
	struct dirent *e;

	/* cppcheck-suppress readdirCalled ; one thread, and readdir_r() is deprecated */
	while (d && (e = readdir(d))) {
		size_t len = strlen(e->d_name), i;

		if (len < 6 || strcmp(e->d_name + len - 5, ".conf") != 0)
			continue;
		for (i = 0; i < n && strcmp(v[i].name, e->d_name) != 0; i++)
			;
		if (i == DROPINS_MAX)
			break;
		snprintf(v[i].name, sizeof v[i].name, "%s", e->d_name);
		v[i].folder = folder;
		n += i == n;
	}
	if (d)
		closedir(d);
	return n;
}

bool
procs_networkd_foreign(const char *root)
{
	static const char *const folder[] = { "usr/lib", "run", "etc" };
	struct dropin v[DROPINS_MAX];
	bool foreign = true;
	char path[PATH_MAX];
	size_t n = 0;

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s/systemd/networkd.conf.d", root, folder[i]);
		n = dropins_add(v, n, path, i);
	}
	qsort(v, n, sizeof v[0], dropin_cmp);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s/systemd/networkd.conf", root, folder[i]);
		read_settings(path, &foreign);
	}
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s/systemd/networkd.conf.d/%.255s", root,
		    folder[v[i].folder], v[i].name);
		read_settings(path, &foreign);
	}
	return foreign;
}

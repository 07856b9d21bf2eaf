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

struct procs
procs_look(void)
{
	struct procs found = { 0 };
	DIR *d = opendir("/proc");
	struct dirent *e;
	char name[PROC_NAME_MAX];

	/* cppcheck-suppress readdirCalled ; one thread, and readdir_r() is deprecated */
	while (d && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]) ||
		    !proc_name((uint32_t)strtoul(e->d_name, NULL, 10), name))
			continue;
		found.networkd |= strcmp(name, "systemd-network") == 0;
		found.network_manager |= strcmp(name, "NetworkManager") == 0;
	}
	if (d)
		closedir(d);
	return found;
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

/*
 * Finds and loads the module with OpenSSL. Once loaded it stays.
 */
#include "agent/kube/tls.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MODULE "weft-tls.so"
#define SYMBOL "weft_tls_ops"

static struct {
	const char *dir;
	const struct tls_ops *ops;
} module;

void
tls_set_dir(const char *dir)
{
	module.dir = dir;
}

/* Beside the executable that runs: of the same build, wherever it was installed. */
static bool
find_dir(char *buf, size_t cap)
{
	ssize_t n;
	char *slash;

	if (module.dir)
		return snprintf(buf, cap, "%s", module.dir) < (int)cap;
	n = readlink("/proc/self/exe", buf, cap - 1);
	if (n < 0)
		return snprintf(buf, cap, "%s", WEFT_LIBEXECDIR) < (int)cap;
	buf[n] = '\0';
	slash = strrchr(buf, '/');
	if (slash)
		*slash = '\0';
	return slash != NULL;
}

const struct tls_ops *
tls_load(char *why)
{
	char dir[PATH_MAX], path[PATH_MAX + sizeof MODULE + 1];
	void *h;

	if (module.ops)
		return module.ops;
	if (!find_dir(dir, sizeof dir)) {
		snprintf(why, TLS_WHY_MAX, "cannot find %s", MODULE);
		return NULL;
	}
	snprintf(path, sizeof path, "%s/%s", dir, MODULE);
	h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	module.ops = h ? dlsym(h, SYMBOL) : NULL;
	if (!module.ops)
		snprintf(why, TLS_WHY_MAX, "cannot load %s: %s", MODULE, dlerror());
	return module.ops;
}

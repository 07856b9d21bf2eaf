/*
 * weftd: options, users, capabilities, and the order of things at start.
 *
 * Stays in the foreground.  Exit status: 0 after an ordered stop, 1 after a
 * failure, 2 for a wrong command line.
 */
#include "config.h"

#include "launch/weftd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/logmain.h"
#include "lib/mem.h"
#include "lib/privs.h"
#include "lib/sanitized.h"
#include "lib/userdb.h"

#define EXIT_USAGE 2

/* What weftd cannot do without, and what it keeps if it was given it. */
static const int caps_needed[] = { CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SETGID, CAP_SETUID,
	CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_SYS_CHROOT };
static const int caps_wanted[] = { CAP_NET_RAW, CAP_SYS_NICE };

static const char usage_text[] =
    "usage: weftd --config FILE --run-dir DIR [OPTION]...\n"
    "  --config FILE        configuration (YAML); see weft.yaml(5)\n"
    "  --run-dir DIR        sockets and pid files; made, and given to the agent\n"
    "  --secret-dir DIR     password files may lie below DIR; may be repeated\n"
    "                       (default: /etc/weft and the directory of FILE)\n"
    "  --cni-dir DIR        where the configuration for container runtimes is written, if it is\n"
    "                       (/etc/cni/net.d)\n"
    "  --agent-user U       user name or number of weft-agent (weft, else 64510)\n"
    "  --bgpd-user U        user name or number of weft-bgpd (weft-bgpd, else 64511)\n"
    "  --bfdd-user U        user name or number of weft-bfdd (weft-bfdd, else 64512)\n"
    "  --libexec DIR        where weft-agent, weft-bgpd and weft-bfdd are\n"
    "  --stop-timeout S     seconds for an ordered stop (60)\n"
    "  --child-timeout S    a process that says nothing for so long is started again (30;\n"
    "                       0: never)\n"
    "  --observe            announce nothing, change nothing, whatever FILE says\n"
    "  --log-format FORMAT  text or json\n"
    "  --version, --help\n";

enum { OPT_CONFIG = 1, OPT_RUN_DIR, OPT_SECRET_DIR, OPT_CNI_DIR, OPT_AGENT_USER, OPT_BGPD_USER,
	OPT_BFDD_USER, OPT_LIBEXEC, OPT_STOP_TIMEOUT, OPT_CHILD_TIMEOUT, OPT_LOG_FORMAT, OPT_OBSERVE,
	OPT_VERSION, OPT_HELP };

static const struct option options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "secret-dir", required_argument, NULL, OPT_SECRET_DIR },
	{ "cni-dir", required_argument, NULL, OPT_CNI_DIR },
	{ "agent-user", required_argument, NULL, OPT_AGENT_USER },
	{ "bgpd-user", required_argument, NULL, OPT_BGPD_USER },
	{ "bfdd-user", required_argument, NULL, OPT_BFDD_USER },
	{ "libexec", required_argument, NULL, OPT_LIBEXEC },
	{ "stop-timeout", required_argument, NULL, OPT_STOP_TIMEOUT },
	{ "child-timeout", required_argument, NULL, OPT_CHILD_TIMEOUT },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "observe", no_argument, NULL, OPT_OBSERVE },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static void __attribute__((noreturn, format(printf, 1, 2)))
usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("weftd: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs("\nTry: weftd --help\n", stderr);
	va_end(ap);
	exit(EXIT_USAGE);
}

/* ---- users ------------------------------------------------------------------ */

static bool
passwd_find(const char *name, uid_t uid, struct launch_user *ret)
{
	uint32_t number, group;

	if (!userdb_find(USERDB_PASSWD, name, uid, &number, &group))
		return false;
	*ret = (struct launch_user){ .uid = number, .gid = group };
	return true;
}

/* arg (a name or a number) as given, else the usual name, else the usual number. */
static struct launch_user
find_user(const char *option, const char *arg, const char *name, uid_t number)
{
	struct launch_user u = { .uid = number, .gid = number };
	char *end = NULL;

	if (!arg) {
		passwd_find(name, 0, &u);
	} else if (!passwd_find(arg, 0, &u)) {
		unsigned long v = strtoul(arg, &end, 10);

		if (*arg < '0' || *arg > '9' || *end != '\0' || v >= UINT_MAX)
			usage_error("--%s: no user \"%s\" in /etc/passwd", option, arg);
		u = (struct launch_user){ .uid = (uid_t)v, .gid = (gid_t)v };
		passwd_find(NULL, u.uid, &u);
	}
	if (u.uid == 0 || u.gid == 0)
		usage_error("--%s: must not be root", option);
	return u;
}

/* Each child has a user of its own. */
static void
find_users(struct launch_opts *o, const char *const arg[LAUNCH_NCHILDREN])
{
	struct launch_user *u = o->user;

	u[LAUNCH_CHILD_AGENT] = find_user("agent-user", arg[LAUNCH_CHILD_AGENT], "weft", 64510);
	u[LAUNCH_CHILD_BGPD] = find_user("bgpd-user", arg[LAUNCH_CHILD_BGPD], "weft-bgpd", 64511);
	u[LAUNCH_CHILD_BFDD] = find_user("bfdd-user", arg[LAUNCH_CHILD_BFDD], "weft-bfdd", 64512);
	if (u[LAUNCH_CHILD_AGENT].uid == u[LAUNCH_CHILD_BGPD].uid)
		usage_error("--bgpd-user: must not be the agent's user");
	if (u[LAUNCH_CHILD_BFDD].uid == u[LAUNCH_CHILD_AGENT].uid ||
	    u[LAUNCH_CHILD_BFDD].uid == u[LAUNCH_CHILD_BGPD].uid)
		usage_error("--bfdd-user: must not be the user of another process");
}

/* ---- paths ------------------------------------------------------------------ */

static void
add_secret_dir(struct launch_opts *o, const char *dir)
{
	if (o->nsecret_dirs == LAUNCH_SECRET_DIRS_MAX)
		usage_error("--secret-dir: at most %d directories", LAUNCH_SECRET_DIRS_MAX / 2);
	o->secret_dir[o->nsecret_dirs++] = dir;
}

/* Under the name that was given (made absolute) and, if that differs, its real one. */
static void
add_secret_dir_names(struct launch_opts *o, const char *given)
{
	char cwd[PATH_MAX], *real = realpath(given, NULL);
	const char *abs = given;

	if (given[0] != '/' && getcwd(cwd, sizeof(cwd)))
		abs = mem_printf("%s/%s", cwd, given);
	if (abs[0] == '/')
		add_secret_dir(o, abs);
	if (real && strcmp(real, abs) != 0)
		add_secret_dir(o, real);
	else
		free(real);
}

/*
 * By default the configuration's own directory, unless that would hand all of
 * /etc to whoever takes over the agent.
 */
static void
default_secret_dirs(struct launch_opts *o)
{
	char *real = realpath(o->config_dir, NULL);

	add_secret_dir(o, "/etc/weft");
	if (real && strcmp(real, "/") != 0 && strcmp(real, "/etc") != 0 &&
	    strcmp(real, "/etc/weft") != 0)
		add_secret_dir_names(o, o->config_dir);
	free(real);
}

/* In a pod of a cluster: the token changes, so the agent reads it again and again. */
static void
service_account_dir(struct launch_opts *o)
{
	if (getenv("KUBERNETES_SERVICE_HOST"))
		add_secret_dir_names(o, "/var/run/secrets/kubernetes.io/serviceaccount");
}

static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

/* A descriptor of dir if the children's executables are in it, else -1. */
static int
open_libexec(const char *dir)
{
	int fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0 || (faccessat(fd, "weft-agent", X_OK, 0) == 0 &&
			  faccessat(fd, "weft-bgpd", X_OK, 0) == 0 &&
			  faccessat(fd, "weft-bfdd", X_OK, 0) == 0))
		return fd;
	close(fd);
	return -1;
}

/* Beside this executable (a build tree), in ../libexec/weft, or where they were installed. */
static bool
find_libexec(struct launch_opts *o)
{
	static char beside[PATH_MAX], prefix[PATH_MAX + 20];
	ssize_t n = readlink("/proc/self/exe", beside, sizeof(beside) - 1);
	const char *dir[3] = { NULL, NULL, o->libexec ? o->libexec : WEFT_LIBEXECDIR };

	if (!o->libexec && n > 0) {
		*strrchr(beside, '/') = '\0'; /* the kernel's paths are absolute */
		snprintf(prefix, sizeof(prefix), "%s/../libexec/weft", beside);
		dir[0] = beside;
		dir[1] = prefix;
	}
	for (int i = 0; i < 3; i++) {
		o->libexec = dir[i];
		o->libexec_fd = open_libexec(dir[i]);
		if (o->libexec_fd >= 0)
			return true;
	}
	log_event(LOG_ERR, "start-failed", "why=\"no weft-agent, weft-bgpd and weft-bfdd in %s\"", dir[2]);
	return false;
}

/* ---- command line ------------------------------------------------------------ */

static unsigned
parse_seconds(const char *option, const char *arg, unsigned least)
{
	char *end;
	unsigned long v = strtoul(arg, &end, 10);

	if (*arg < '0' || *arg > '9' || *end != '\0' || v < least || v > 3600)
		usage_error("--%s: want %u to 3600 seconds, got \"%s\"", option, least, arg);
	return (unsigned)v;
}

static void
parse_options(int argc, char **argv, struct launch_opts *o)
{
	const char *user[LAUNCH_NCHILDREN] = { NULL };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == OPT_CONFIG)
			o->config = optarg;
		else if (c == OPT_RUN_DIR)
			o->run_dir = optarg;
		else if (c == OPT_SECRET_DIR)
			add_secret_dir_names(o, optarg);
		else if (c == OPT_CNI_DIR)
			o->cni_dir = optarg;
		else if (c == OPT_AGENT_USER)
			user[LAUNCH_CHILD_AGENT] = optarg;
		else if (c == OPT_BGPD_USER)
			user[LAUNCH_CHILD_BGPD] = optarg;
		else if (c == OPT_BFDD_USER)
			user[LAUNCH_CHILD_BFDD] = optarg;
		else if (c == OPT_LIBEXEC)
			o->libexec = optarg;
		else if (c == OPT_STOP_TIMEOUT)
			o->stop_timeout_s = parse_seconds("stop-timeout", optarg, 1);
		else if (c == OPT_CHILD_TIMEOUT)
			o->child_timeout_s = parse_seconds("child-timeout", optarg, 0);
		else if (c == OPT_OBSERVE)
			o->observe = true;
		else if (c == OPT_LOG_FORMAT && strcmp(optarg, "json") == 0)
			log_main.json = true;
		else if (c == OPT_LOG_FORMAT && strcmp(optarg, "text") == 0)
			log_main.json = false;
		else if (c == OPT_LOG_FORMAT)
			usage_error("--log-format: want text or json, got \"%s\"", optarg);
		else if (c == OPT_VERSION || c == OPT_HELP) {
			fputs(c == OPT_VERSION ? "weftd " PACKAGE_VERSION "\n" : usage_text, stdout);
			exit(EXIT_SUCCESS);
		} else
			exit(EXIT_USAGE); /* getopt has said what is wrong */
	}
	if (optind < argc)
		usage_error("\"%s\": unexpected argument", argv[optind]);
	if (!o->config || !o->run_dir)
		usage_error("--%s is missing", o->config ? "run-dir" : "config");
	o->config_dir = directory_of(o->config);
	find_users(o, user);
	if (o->nsecret_dirs == 0)
		default_secret_dirs(o);
	service_account_dir(o);
}

/* ---- privileges --------------------------------------------------------------- */

static bool
privileges_check(uint64_t *ret_keep)
{
	uint64_t have = 0;
	bool ok = true;

	if (geteuid() != 0) {
		log_event(LOG_ERR, "start-failed", "why=\"weftd has to be started as root\"");
		return false;
	}
	privs_permitted(&have);
	*ret_keep = 0;
	for (size_t i = 0; i < sizeof(caps_needed) / sizeof(caps_needed[0]); i++) {
		*ret_keep |= PRIVS_CAP(caps_needed[i]);
		if (have & PRIVS_CAP(caps_needed[i]))
			continue;
		log_event(LOG_ERR, "start-failed", "why=\"capability CAP_%s is missing\"",
		    privs_cap_name(caps_needed[i]));
		ok = false;
	}
	for (size_t i = 0; i < sizeof(caps_wanted) / sizeof(caps_wanted[0]); i++)
		*ret_keep |= PRIVS_CAP(caps_wanted[i]);
	return ok;
}

/* Keep what is needed, for good; and let the children have many sockets. */
static bool
privileges_limit(uint64_t keep)
{
	struct rlimit rl;
	int rc = privs_bound(keep);

	if (rc == 0)
		rc = privs_limit(keep);
	if (rc == 0)
		rc = privs_no_new();
	if (rc != 0) {
		log_event(LOG_ERR, "start-failed", "why=\"capabilities: %s\"", strerror(-rc));
		return false;
	}
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	return true;
}

/* Descriptors 0 to 2 exist; others that were inherited end at exec. */
static void
descriptors_prepare(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3);
	if (fd >= 3)
		close(fd);
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
}

int
main(int argc, char **argv)
{
	static struct launch_opts o = { .cni_dir = "/etc/cni/net.d", .stop_timeout_s = 60, .child_timeout_s = 30 };
	struct rundir rd;
	uint64_t keep;
	int status;

	descriptors_prepare();
	log_main_init("weftd", LOG_INFO, false);
	parse_options(argc, argv, &o);
	if (!privileges_check(&keep) || !privileges_limit(keep))
		return EXIT_FAILURE;
	umask(022);
	if (!find_libexec(&o))
		return EXIT_FAILURE;
	if (access(o.config, R_OK) != 0) {
		log_event(LOG_ERR, "start-failed", "path=%s why=\"configuration: %s\"", o.config,
		    strerror(errno));
		return EXIT_FAILURE;
	}
	if (!rundir_open(&rd, o.run_dir, &o.user[LAUNCH_CHILD_AGENT]))
		return EXIT_FAILURE;
	notify_init();
	status = supervise(&o, &rd);
	rundir_close(&rd);
	log_event(LOG_NOTICE, "stopped", "status=%d", status);
	return status;
}

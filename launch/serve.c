/*
 * What the agent may ask for: the configuration file, secrets below the
 * configured directories, bound sockets for its listeners, one for router
 * advertisements, the file for container runtimes (cni.c), and the name by which one weft keeps
 * another off its routes.
 *
 * The agent is trusted with the node's routes, not with the node's files:
 * paths are resolved by the kernel beneath a directory (openat2(2)), and only
 * regular files are given away.
 */
#include "launch/weftd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78 /* linux/in6.h, which does not go with netinet/in.h */
#endif

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* Closes fd and returns -errno; why gets what failed, and why. */
static int
serve_fail(int fd, int err, char *why, const char *what)
{
	if (fd >= 0)
		close(fd);
	snprintf(why, LAUNCH_TEXT_MAX, "%s%s%s", what, *what ? ": " : "", strerror(err));
	return -err;
}

/* A FIFO or device would stall the agent, or do something when it is read. */
static int
serve_regular(int fd, char *why, const char *what)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return serve_fail(fd, errno, why, what);
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		snprintf(why, LAUNCH_TEXT_MAX, "%s%snot a regular file", what, *what ? ": " : "");
		return -EINVAL;
	}
	return fd;
}

/* rel below dir; links may point elsewhere below dir (Kubernetes volumes do), not out of it. */
static int
open_beneath(const char *dir, const char *rel)
{
	struct open_how how = {
		.flags = OPEN_FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int d, fd, err;

	d = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, d, rel, &how, sizeof(how));
	err = errno;
	close(d);
	errno = err;
	return fd;
}

/* What of path follows dir and its slashes, or NULL when path does not begin with dir. */
static const char *
path_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) != 0 || path[n] != '/')
		return NULL;
	path += n;
	path += strspn(path, "/");
	return *path ? path : NULL;
}

static int
open_secret(const struct launch_opts *o, const char *path, char *why)
{
	char full[PATH_MAX + LAUNCH_PATH_MAX];

	snprintf(full, sizeof(full), "%s%s%s", path[0] == '/' ? "" : o->config_dir,
	    path[0] == '/' ? "" : "/", path);
	for (size_t i = 0; i < o->nsecret_dirs; i++) {
		const char *rel = path_below(full, o->secret_dir[i]);

		if (rel)
			return serve_regular(open_beneath(o->secret_dir[i], rel), why, "");
	}
	snprintf(why, LAUNCH_TEXT_MAX, "not below a directory for secrets (--secret-dir)");
	return -EACCES;
}

static socklen_t
listener_address(const struct launch_msg *req, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (req->addr.af == IP4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(req->port);
		memcpy(&v4->sin_addr, req->addr.b, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(req->port);
	v6->sin6_scope_id = req->addr.ifindex;
	memcpy(&v6->sin6_addr, req->addr.b, 16);
	return sizeof(*v6);
}

/*
 * Bound but not listening: the agent sets keys and TTL rules first.  Freebind,
 * so that an address that comes later does not fail the start; a link-local
 * one with its scope, and an interface by name for unnumbered links.
 */
static int
open_listener(const struct launch_msg *req, char *why)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int one = 1, fd;
	bool v6 = req->addr.af == IP6;

	if (req->addr.af != IP4 && !v6)
		return serve_fail(-1, EAFNOSUPPORT, why, "listener");
	len = listener_address(req, &sa);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return serve_fail(fd, errno, why, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0))
		return serve_fail(fd, errno, why, "listener");
	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND, &one,
		sizeof(one)) != 0)
		return serve_fail(fd, errno, why, "freebind");
	if (req->ifname[0] != '\0' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, req->ifname,
		(socklen_t)strlen(req->ifname)) != 0)
		return serve_fail(fd, errno, why, "interface");
	if (bind(fd, (struct sockaddr *)&sa, len) != 0)
		return serve_fail(fd, errno, why, "bind");
	return fd;
}

/*
 * An abstract name belongs to the network namespace, as routes do, and ends with whoever holds it.
 * Anybody may take one, so only a socket of root's counts: the kernel tells who called listen().
 */
static socklen_t
claim_address(uint16_t protocol, struct sockaddr_un *ret)
{
	int n;

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	n = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "weft/routes/%u", protocol);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* Another weft has it: -EADDRINUSE, with its pid in words. Somebody else: -EPERM. */
static int
claim_holder(const struct sockaddr_un *sa, socklen_t len, uint16_t protocol, char *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(who);

	if (fd < 0 || connect(fd, (const struct sockaddr *)sa, len) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0)
		return serve_fail(fd, errno == ECONNREFUSED ? EAGAIN : EPERM, why, "claim");
	close(fd);
	if (who.uid != 0) {
		snprintf(why, LAUNCH_TEXT_MAX, "user %u holds the name that weft would take",
		    (unsigned)who.uid);
		return -EPERM;
	}
	snprintf(why, LAUNCH_TEXT_MAX, "another weft (weftd's pid is %d) owns the routes with "
	    "protocol number %u in this network namespace", (int)who.pid, protocol);
	return -EADDRINUSE;
}

static int
open_claim(const struct launch_msg *req, char *why)
{
	struct sockaddr_un sa;
	socklen_t len = claim_address(req->port, &sa);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return serve_fail(fd, errno, why, "claim");
	if (bind(fd, (struct sockaddr *)&sa, len) == 0)
		return listen(fd, 8) == 0 ? fd : serve_fail(fd, errno, why, "claim");
	if (errno != EADDRINUSE)
		return serve_fail(fd, errno, why, "claim");
	close(fd);
	return claim_holder(&sa, len, req->port, why);
}

/*
 * Router advertisements and solicitations only, with what their receiver has to
 * check (RFC 4861 section 6.1); what is sent leaves with hop limit 255, and is not
 * heard here again.
 */
static int
open_ra(char *why)
{
	static const struct {
		int option, value;
	} set[] = {
		{ IPV6_RECVPKTINFO, 1 },
		{ IPV6_RECVHOPLIMIT, 1 },
		{ IPV6_MULTICAST_HOPS, 255 },
		{ IPV6_UNICAST_HOPS, 255 },
		{ IPV6_MULTICAST_LOOP, 0 },
	};
	struct icmp6_filter filter;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);

	if (fd < 0)
		return serve_fail(fd, errno, why, "ICMPv6 socket");
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
	if (setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) != 0)
		return serve_fail(fd, errno, why, "ICMPv6 filter");
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		if (setsockopt(fd, IPPROTO_IPV6, set[i].option, &set[i].value, sizeof(int)) != 0)
			return serve_fail(fd, errno, why, "ICMPv6 option");
	return fd;
}

/* Texts of the agent end inside their arrays, or the request is refused. */
static bool
req_is_whole(const struct launch_msg *req)
{
	return memchr(req->path, '\0', sizeof(req->path)) &&
	    memchr(req->ifname, '\0', sizeof(req->ifname));
}

int
serve_open(const struct launch_opts *o, const struct launch_msg *req, char ret_why[LAUNCH_TEXT_MAX])
{
	ret_why[0] = '\0';
	if (!req_is_whole(req))
		return serve_fail(-1, EINVAL, ret_why, "request");
	if (req->type == LAUNCH_OPEN_CONFIG)
		return serve_regular(open(o->config, OPEN_FLAGS), ret_why, "configuration");
	if (req->type == LAUNCH_OPEN_SECRET)
		return open_secret(o, req->path, ret_why);
	if (req->type == LAUNCH_OPEN_CLAIM)
		return open_claim(req, ret_why);
	if (req->type == LAUNCH_OPEN_LISTENER)
		return open_listener(req, ret_why);
	if (req->type == LAUNCH_OPEN_RA)
		return open_ra(ret_why);
	if (req->type >= LAUNCH_CNI_LIST && req->type <= LAUNCH_CNI_REMOVE)
		return cni_serve(o, req, ret_why);
	return serve_fail(-1, EOPNOTSUPP, ret_why, "request");
}

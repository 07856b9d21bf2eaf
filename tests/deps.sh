# tests/deps.sh: what quickstart and run-tests need, sourced by both (bash).
#
# Owns three things: the checks that say in one sentence why a command cannot
# run here (exit 2), the Debian packages installed with apt-get, and the private
# copies of the other makers' daemons.  Kubernetes is made by tests/kube/build.
#
# BIRD, FRR, GoBGP, OpenBGPD, ExaBGP, etcd and containerd are never installed: their packages
# would add users, units and running services. Their .debs are downloaded and
# unpacked below $WEFT_PEERS (default /var/cache/weft-test-peers), one folder per
# daemon and version, and run from there inside network namespaces. What the
# host has of them is neither used nor touched.

PEER_CACHE=${WEFT_PEERS:-/var/cache/weft-test-peers}
KUBE_CACHE=${WEFT_KUBE:-/var/cache/weft-test-kube}

PKG_BUILD="build-essential autoconf automake pkg-config libnl-3-dev
	libevent-dev libyaml-dev libjansson-dev libmd-dev libssl-dev check"
PKG_FABRIC="iproute2 iputils-ping tcpdump containernetworking-plugins python3 procps util-linux"
PKG_TEST="python3-pytest curl iptables nftables tshark bgpdump"
PKG_KUBE="openssl conntrack iptables ipset"
PKG_KUBE_BUILD="golang-1.19-go golang-github-modern-go-reflect2-dev"
PEER_DAEMONS="bird2 frr gobgpd openbgpd exabgp"
KUBE_DAEMONS="etcd-server containerd kubernetes-client"

# Packages a daemon depends on by name only: nothing of ours runs them.
PKG_NEVER='^(adduser|ucf|lsb-base|lsof|logrotate|init-system-helpers|iproute2|dbus.*|systemd.*|libsystemd.*|libpopt0|sysvinit.*)$'

say()
{
	printf '%s\n' "$*"
}

# die TEXT...: one sentence on stderr, exit 2 (usage or a missing requirement)
die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

# Refuse at once, with one clear sentence, what cannot work.
need_debian_root()
{
	local id= ver=

	[ "$(uname -s)" = Linux ] || die "needs Debian 12 on Linux; this is $(uname -s)."
	[ -r /etc/os-release ] && eval "$(sed -n 's/^ID=/id=/p; s/^VERSION_ID=/ver=/p' /etc/os-release)"
	[ "$id" = debian ] && [ "$ver" = 12 ] ||
		die "needs Debian 12 (bookworm); this is ${id:-an unknown system} ${ver}."
	[ "$(id -u)" = 0 ] ||
		die "needs root for network namespaces: run 'sudo $0${ARGS:+ $ARGS}'."
	unshare --net --mount true 2>/dev/null ||
		die "needs CAP_SYS_ADMIN for network and mount namespaces; in a container start it privileged."
	unshare --net ip link add weft0 type veth peer name weft1 2>/dev/null ||
		! command -v ip >/dev/null || die "needs veth interfaces (CAP_NET_ADMIN, kernel module veth)."
}

# missing_packages NAME...: prints those that are not installed
missing_packages()
{
	local p

	for p in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || printf '%s ' "$p"
	done
}

apt_get()
{
	DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none \
		apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@"
}

# Package lists are fetched only when what is there does not do.
apt_update_once()
{
	[ -z "$apt_updated" ] || return 1
	apt_updated=1
	say "  fetching Debian's package lists"
	apt_get update >"$DEPS_LOG" 2>&1
}

# install_packages NAME...: installs what is missing of Debian's packages
install_packages()
{
	local missing

	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	say "  installing: $missing"
	# shellcheck disable=SC2086
	apt_get install --no-install-recommends $missing >"$DEPS_LOG" 2>&1 && return 0
	apt_update_once && apt_get install --no-install-recommends $missing >"$DEPS_LOG" 2>&1 && return 0
	tail -n 15 "$DEPS_LOG" >&2
	die "cannot install: $missing(no network, or no Debian archive in /etc/apt?)"
}

# peer_packages DAEMON: the packages its private copy is made of
peer_packages()
{
	local d=$1 also=

	case $d in
	frr) also=libyang2 ;;
	exabgp) also="python3-exabgp python3-pkg-resources" ;;
	containerd) also=runc ;;
	esac
	{
		printf '%s\n' "$d" $also
		apt-get -s -q --no-install-recommends install "$d" 2>/dev/null | sed -n 's/^Inst \([^ ]*\).*/\1/p'
	} | sort -u | grep -Ev "$PKG_NEVER"
}

# peer_dir DAEMON: its newest complete copy, or nothing
peer_dir()
{
	local stamp

	for stamp in $(ls -t "$PEER_CACHE/$1"_*/.complete 2>/dev/null); do
		printf '%s\n' "${stamp%/.complete}"
		return 0
	done
	return 1
}

# unpack_peer DAEMON VERSION: downloads and unpacks; complete or absent, never half
unpack_peer()
{
	local d=$1 to="$PEER_CACHE/$1_$2" tmp deb

	tmp=$(mktemp -d "$PEER_CACHE/.$d.XXXXXX") && chmod 755 "$tmp" || return 1
	mkdir "$tmp/debs" "$tmp/root" &&
		(cd "$tmp/debs" && apt-get -q -o APT::Sandbox::User=root download $(peer_packages "$d")) \
		>"$DEPS_LOG" 2>&1 || { rm -rf "$tmp"; return 1; }
	for deb in "$tmp"/debs/*.deb; do
		dpkg -x "$deb" "$tmp/root" || { rm -rf "$tmp"; return 1; }
	done
	rm -rf "$to" && touch "$tmp/root/.complete" && mv "$tmp/root" "$to"
	rm -rf "$tmp"
}

# candidate_version PACKAGE: what apt would install, file-name safe; empty when unknown
candidate_version()
{
	apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p' | grep -v '(none)' | tr ':/~' '___'
}

# A copy that is there is used as it is: remove the folder to get a newer one.
fetch_peer()
{
	local d=$1 version

	peer_dir "$d" >/dev/null && return 0
	version=$(candidate_version "$d")
	[ -n "$version" ] && unpack_peer "$d" "$version" && return 0
	apt_update_once || return 1
	version=$(candidate_version "$d")
	[ -n "$version" ] && unpack_peer "$d" "$version"
}

# fetch_peers DAEMON...: private copies of the other makers' daemons
fetch_peers()
{
	local d

	mkdir -p "$PEER_CACHE"
	for d in "$@"; do
		(
			flock 9
			fetch_peer "$d"
		) 9>"$PEER_CACHE/.lock" || {
			tail -n 5 "$DEPS_LOG" >&2
			die "cannot download Debian's package $d (no network?), and there is no copy in $PEER_CACHE."
		}
	done
}

# kube_dir: the newest complete Kubernetes that tests/kube/build made, or nothing
kube_dir()
{
	local stamp

	for stamp in $(ls -t "$KUBE_CACHE"/kubernetes_*/.complete 2>/dev/null); do
		printf '%s\n' "${stamp%/.complete}"
		return 0
	done
	return 1
}

# build_weft DIR LOG [CONFIGURE OPTIONS...]: out of tree; rebuilds only what changed
build_weft()
{
	local dir=$1 log=$2 top=$PWD
	shift 2

	mkdir -p "$dir"
	(
		set -e
		if [ ! -e configure ] || [ -n "$(find configure.ac Makefile.am -newer configure; \
		    find . -name '*.mk' -newer configure -not -path './build*')" ]; then
			autoreconf -fi
			touch configure
		fi
		cd "$dir"
		[ -e config.status ] && [ config.status -nt "$top/configure" ] ||
			"$top/configure" -q "$@"
		make -s -j"$(nproc)"
	) >"$log" 2>&1 && return 0
	tail -n 30 "$log" >&2
	say "the build failed; the whole log is $log" >&2
	return 1
}

apt_updated=
DEPS_LOG=$(mktemp /tmp/weft-deps.XXXXXX)
trap 'rm -f "$DEPS_LOG"' EXIT

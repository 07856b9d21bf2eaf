#compdef weft
# zsh completion for weft(8)

_weft_peers() {
	local -a names
	names=(${(f)"$(weft peers --no-headers 2>/dev/null | awk '/^[^ ]/ { print $1 }')"})
	_describe peer names
}

_weft() {
	local -a commands global
	local state
	commands=(
		'status:this node on one screen'
		'peers:sessions with peers, and why one is down'
		'peer:one peer in detail, or do something to it'
		'routes:paths of all prefixes, or those inside one'
		'route:everything about one destination'
		'fib:routes in the kernel against those wanted'
		'nexthops:BGP next hops and how they resolve'
		'events:what happened'
		'bfd:BFD sessions, and why one is down'
		'nodes:nodes of the Kubernetes cluster, and the sessions with them'
		'services:addresses of Kubernetes Services, and why each is announced or not'
		'bmp:BMP collectors, and why one is not connected'
		'pools:addresses for load balancers, and who has none'
		'nat:what natOutgoing translates'
		'cni:the file by which container runtimes make pods'
		'kube:the connection to the API server, and what is watched there'
		'mrt:all routes, or messages of sessions, as MRT into a file'
		'check:check configuration files and manifests'
		'convert:resources of another product as a configuration'
		'policy:run a route through filters'
		'reload:load the configuration file again'
		'prepare-restart:let the next stop keep all routes'
		'pre-stop:before a stop: prepare a restart, or drain a node that leaves'
		'flush:remove every route of weft from the kernel'
		'drain:take the node, or one peer, out of service without loss'
		'undrain:put it into service again'
		'version:versions of this command and of the agent'
		'help:more on a command'
	)
	global=(
		'(-o --output)'{-o,--output}'[how to print]:format:(table wide json)'
		'(-w --watch)'{-w,--watch}'[again and again]'
		'--interval[seconds between two looks]:seconds:'
		'(-6)-4[IPv4 only]'
		'(-4)-6[IPv6 only]'
		'--no-headers[tables without heads and summary]'
		'--run-dir[run directory of weftd]:directory:_files -/'
		'(-h --help)'{-h,--help}'[help]'
		'(-V --version)'{-V,--version}'[versions]'
	)
	_arguments -C $global '1:command:->command' '*::argument:->argument'
	case $state in
	command) _describe command commands ;;
	argument)
		case $words[1] in
		peer | peers)
			_arguments $global '--reason[text for the peer]:text:' '1:peer:_weft_peers' \
				'2:action:(reset refresh down up)' '3:direction:(in out)'
			;;
		routes)
			_arguments $global '(--received --accepted --best --advertised --rejected)'--{received,accepted,best,advertised,rejected} \
				'--peer[of one peer]:peer:_weft_peers' '1:prefix:'
			;;
		drain)
			_arguments $global '--peer[one peer only]:peer:_weft_peers' \
				'--reason[text for the peers]:text:' '--settle[for traffic to move]:time:(0s 10s 1m)' \
				'--wait[until it is done]' '--no-wait[return at once]'
			;;
		undrain) _arguments $global '--peer[one peer only]:peer:_weft_peers' ;;
		fib) _arguments $global '--diff[differences only]' ;;
		events)
			_arguments $global '--since[for how long]:time:(10m 1h 1d)' \
				'--peer[about one peer]:peer:_weft_peers'
			;;
		mrt)
			_arguments $global '--peer[of one peer]:peer:_weft_peers' '--for[for how long]:time:(30s 10m 1h)' \
				'1:what:(rib record)' '2:file:_files'
			;;
		check) _files ;;
		convert) _values product calico metallb cilium; _files ;;
		policy)
			_arguments $global '1:word:(test)' '2:file:_files' '--peer[filters of a peer]:peer:' \
				'--filter[one filter]:filter:' '--direction[direction]:direction:(import export)' \
				'--route[prefix and attributes]:route:'
			;;
		help) _describe command commands ;;
		esac
		;;
	esac
}

_weft "$@"

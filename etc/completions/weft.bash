# bash completion for weft(8)
_weft() {
	local cur prev words cword
	local commands="status peers peer routes route fib nexthops events bfd nodes services bmp nat pools cni kube mrt check convert policy reload
		prepare-restart flush drain pre-stop undrain version help"
	local options="-o -w -4 -6 -h -V --output --watch --interval --no-headers --run-dir
		--help --version"
	_init_completion -s 2>/dev/null || {
		cur=${COMP_WORDS[COMP_CWORD]}
		prev=${COMP_WORDS[COMP_CWORD - 1]}
		words=("${COMP_WORDS[@]}")
		cword=$COMP_CWORD
	}

	local cmd="" arg="" dir="" i
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--run-dir) dir=${words[++i]} ;;
		-o | --output | --interval | --peer | --reason | --settle | --since | --for | --filter | --direction | --route) ((i++)) ;;
		show | -*) ;;
		*) if [[ -z $cmd ]]; then cmd=${words[i]}; else arg+=" ${words[i]}"; fi ;;
		esac
	done

	case $prev in
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -W "table wide json" -- "$cur")
		return
		;;
	--run-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--peer)
		mapfile -t COMPREPLY < <(compgen -W "$(_weft_peers "$dir")" -- "$cur")
		return
		;;
	--direction)
		mapfile -t COMPREPLY < <(compgen -W "import export" -- "$cur")
		return
		;;
	--since | --interval | --reason | --settle | --for | --filter | --route) return ;;
	esac

	local want="$commands"
	case $cmd in
	peer | peers)
		options+=" --reason"
		case $arg in
		"") want=$(_weft_peers "$dir") ;;
		*" refresh") want="in out" ;;
		*) want="reset refresh down up" ;;
		esac
		;;
	routes)
		options+=" --received --accepted --best --advertised --rejected --peer"
		want=""
		;;
	drain)
		options+=" --peer --reason --settle --wait --no-wait"
		want=""
		;;
	undrain)
		options+=" --peer"
		want=""
		;;
	fib)
		options+=" --diff"
		want=""
		;;
	events)
		options+=" --since --peer"
		want=""
		;;
	mrt)
		options+=" --peer --for"
		case $arg in
		"") want="rib record" ;;
		*)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		esac
		;;
	convert)
		case $arg in
		"") want="calico metallb cilium" ;;
		*)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		esac
		;;
	check)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	policy)
		options+=" --peer --filter --direction --route"
		want=""
		case $arg in
		"") want=test ;;
		" test")
			if [[ $cur != -* ]]; then
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
				return
			fi
			;;
		esac
		;;
	help) ;;
	?*) want="" ;;
	esac
	[[ $cur == -* ]] && want=$options
	mapfile -t COMPREPLY < <(compgen -W "$want" -- "$cur")
}

# Names of the configured peers, as far as the agent can be asked.
_weft_peers() {
	weft ${1:+--run-dir "$1"} peers --no-headers 2>/dev/null | awk '/^[^ ]/ { print $1 }'
}

complete -F _weft weft

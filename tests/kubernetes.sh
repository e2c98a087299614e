#!/usr/bin/env bash
# A real cluster of Kubernetes for tests, on a machine of its own: etcd, API server, controller manager, scheduler, kube-proxy, and
# a kubelet with a Docker Engine and a registry, all in namespaces of this script.
# usage, as root:
#   kubernetes.sh build                        once: Debian bookworm's source package (1.20), by this machine's own sources of apt
#   kubernetes.sh run 'IMAGE …' COMMAND …      COMMAND beside the cluster, with KUBECONFIG and REGISTRY, and this engine as OUTER_DOCKER_HOST
# The images are taken from this machine's engine, and are REGISTRY/IMAGE in the cluster. Nothing reaches out. When the command ends,
# and also where this script is killed, all of the cluster goes.
set -euo pipefail
VERSION=1.20.2
CACHE=${SHIPWAY_TEST_CACHE:-$HOME/.cache/shipway-tests}
BUILT=$CACHE/kubernetes-$VERSION
PROGRAMS="kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet"

main() {
  case ${1:-} in
    build) build ;;
    built) [ -e "$BUILT/etcd" ] ;;
    run) run "${@:2}" ;;
    --inside) inside "${@:2}" ;;
    *) sed -n '2,8s/^# //p' "$0"; exit 2 ;;
  esac
}

# build

build() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/kubernetes.lock"
  flock 9
  [ ! -e "$BUILT/etcd" ] || { echo "$BUILT is built"; return 0; }
  local folder; folder=$(mktemp -d "$CACHE/kubernetes-XXXXXX")
  # shellcheck disable=SC2064  # of now
  trap "chmod -R u+w '$folder'; rm -rf '$folder'" EXIT
  sources "$folder" && compile "$folder"
  strip "$folder"/out/kube* 2>/dev/null || true
  cp "$folder/root/usr/bin/etcd" "$folder/out/.etcd"
  rm -rf "$BUILT" && mkdir "$BUILT" && cp "$folder"/out/kube* "$BUILT" && cp "$folder/out/.etcd" "$BUILT/etcd"
  echo "built in $BUILT"
}

sources() { # FOLDER: of the package, its compiler, and etcd; nothing is installed
  local folder=$1
  mkdir -p "$folder"/{parts,lists/partial,archives/partial,root,path/src/k8s.io,out}
  # This machine's own sources of Debian bookworm, with those of source packages.
  cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed 's/^Types: *deb *$/Types: deb deb-src/' >"$folder/parts/own.sources" || true
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n '/^deb /{p;s/^deb /deb-src /;p}' |
    grep -i debian >"$folder/parts/own.list" || true
  cat >"$folder/apt.conf" <<-END
	Dir::Etc::SourceList "/dev/null";
	Dir::Etc::SourceParts "$folder/parts";
	Dir::State::Lists "$folder/lists";
	Dir::Cache::Archives "$folder/archives";
	Dir::Cache::pkgcache "";
	Dir::Cache::srcpkgcache "";
	APT::Sandbox::User "root";
	END
  (
    cd "$folder"
    export APT_CONFIG=$folder/apt.conf
    apt-get -qq update
    apt-get -qq source --download-only "kubernetes=1.20.*" 2>/dev/null || apt-get -qq source --download-only kubernetes
    apt-get -qq download golang-1.19-go golang-1.19-src etcd-server
    for each in *.deb; do dpkg -x "$each" root; done
    tar -xzf kubernetes_*.orig.tar.gz -C path/src/k8s.io
    mv path/src/k8s.io/kubernetes-* path/src/k8s.io/kubernetes
    [ "$(ls path/src/k8s.io/kubernetes/cmd/kube-apiserver/apiserver.go)" ] || { echo "this package has no server" >&2; exit 1; }
  )
}

compile() { # FOLDER
  local folder=$1 name version=""
  for name in component-base/version client-go/pkg/version; do
    name=k8s.io/kubernetes/vendor/k8s.io/$name
    version="$version -X $name.gitVersion=v$VERSION -X $name.gitMajor=1 -X $name.gitMinor=20"
  done
  export GOROOT=$folder/root/usr/lib/go-1.19 GOPATH=$folder/path GO111MODULE=off CGO_ENABLED=0 GOCACHE=${GOCACHE:-$folder/cache}
  export PATH=$GOROOT/bin:$PATH
  cd "$folder/path/src/k8s.io/kubernetes"
  adjust_maps vendor/github.com/modern-go/reflect2
  go build -o "$folder/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  # The one generated file that the package lacks.
  "$folder/openapi-gen" --logtostderr -i "$(grep -rl '+k8s:openapi-gen=' cmd pkg plugin staging/src/k8s.io --include='*.go' |
    grep -vE 'code-generator/|sample-apiserver/|zz_generated|_test.go' | xargs -n1 dirname | sort -u |
    sed 's|^staging/src/|k8s.io/kubernetes/vendor/|; /vendor/!s|^|k8s.io/kubernetes/|' | paste -sd,)" \
    -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$folder/violations" 2>/dev/null
  local each
  for each in $PROGRAMS; do
    nice go build -trimpath -o "$folder/out/" -ldflags "-s -w $version" "./cmd/$each"
    echo "compiled $each"
  done
}

# The vendored library goes through maps as Go did before 1.18, and crashes with a newer one; its own later version does this.
adjust_maps() { # FOLDER
  sed -i 's/^func mapiterinit(.*/func mapiterinit(rtype unsafe.Pointer, m unsafe.Pointer, it *hiter)/
    s|^\t// rest fields are ignored$|\tt, h, buckets, bptr, overflow, oldoverflow unsafe.Pointer\n\tstartBucket uintptr\n\toffset uint8\n\twrapped bool\n\tB, i uint8\n\tbucket, checkBucket uintptr|' "$1/unsafe_link.go"
  sed -i '/^func (type2 \*UnsafeMapType) UnsafeIterate/,/^}/{
    s/^\treturn &UnsafeMapIterator{/\tit := \&hiter{}\n\tmapiterinit(type2.rtype, *(*unsafe.Pointer)(obj), it)\n&/
    s/hiter:.*/hiter: it,/
  }' "$1/unsafe_map.go"
}

# run

run() {
  [ -e "$BUILT/etcd" ] || { echo "Kubernetes is not built here: tests/kubernetes.sh build" >&2; exit 1; }
  FOLDER=$(mktemp -d /var/tmp/shipway-kubernetes-XXXXXX)
  mkdir "$FOLDER"/{cgroup,data,etcd,own,tmp}
  trap clean EXIT
  setpriv --pdeathsig KILL unshare --net --mount --uts --pid --fork --kill-child --mount-proc \
    bash "$0" --inside "$FOLDER" "$@"
}

clean() {
  local path name; name=$(basename "$FOLDER")
  for path in /sys/fs/cgroup/"$name" /sys/fs/cgroup/*/"$name"; do
    [ ! -d "$path" ] || find "$path" -depth -type d -exec rmdir {} + || true
  done
  rm -rf "$FOLDER"
}

inside() { # FOLDER IMAGES COMMAND ...
  FOLDER=$1
  export OUTER_DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
  export DOCKER_HOST=unix://$FOLDER/docker.sock KUBECONFIG=$FOLDER/kubeconfig REGISTRY=127.0.0.1:5000 TMPDIR=$FOLDER/tmp
  machine
  start_engine
  certificates
  control_plane
  node
  # shellcheck disable=SC2086  # a list of images
  images $2
  ready "node" node_ready
  "${@:3}"
}

machine() {
  hostname node1
  ip link set lo up
  # A route out, which ends there: the node has an address of its own that isn't the loopback's.
  ip link add eth0 type veth peer name nowhere
  ip addr add 10.214.0.1/24 dev eth0
  ip link set nowhere up && ip link set eth0 up
  ip route add default dev eth0
  mkdir -p /run/docker /var/lib/kubelet /var/lib/dockershim /var/lib/cni /var/log/pods
  local path
  for path in /run/docker /var/lib/kubelet /var/lib/dockershim /var/log; do mount -t tmpfs none "$path"; done
  mount --make-rshared /var/lib/kubelet
  mkdir -p /var/log/pods /var/log/containers
  # A network namespace wants a /sys of its own, which would hide the cgroups.
  mount --rbind /sys/fs/cgroup "$FOLDER/cgroup"
  mount -t sysfs sysfs /sys
  mount --rbind "$FOLDER/cgroup" /sys/fs/cgroup
  # The kubelet sets these of the whole machine unless it finds them so.
  local set
  for set in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1; do
    path=$FOLDER/own/${set%%=*} && mkdir -p "$(dirname "$path")" && echo "${set#*=}" >"$path"
    mount --bind "$path" "/proc/sys/${set%%=*}"
  done
  if [ "$(awk '/MemAvailable/ {print $2}' /proc/meminfo)" -ge 8000000 ]; then
    mount -t tmpfs -o mode=711 none "$FOLDER/data"
    mount -t tmpfs none "$FOLDER/etcd"
  fi
}

start_engine() {
  # Some machines refuse that a process is protected from the killer of processes, as pods are.
  cat >"$FOLDER/runtime" <<-'END'
	#!/bin/sh
	previous=
	for word; do
	  case $previous in --bundle | -b) sed -i 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/' "$word/config.json" ;; esac
	  previous=$word
	done
	exec runc "$@"
	END
  chmod +x "$FOLDER/runtime"
  GOGC=400 dockerd --data-root "$FOLDER/data" --exec-root "$FOLDER/exec" --pidfile "$FOLDER/pid" --host "$DOCKER_HOST" \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$(basename "$FOLDER")" --bip 10.215.0.1/16 \
    --add-runtime "adjusted=$FOLDER/runtime" --default-runtime adjusted >"$FOLDER/engine.log" 2>&1 &
  ready engine docker version
}

certificates() (# of a cluster that lives as long as its tests
  cd "$FOLDER/own"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout ca.key -out ca.crt -subj /CN=tests 2>/dev/null
  signed apiserver "/CN=apiserver" "subjectAltName=IP:127.0.0.1,IP:10.96.0.1,DNS:kubernetes,DNS:localhost"
  signed admin "/O=system:masters/CN=admin"
  openssl genrsa -out accounts.key 2048 2>/dev/null
  echo 'token-of-nobody-special,reader,1000,"readers"' >tokens
  cat >"$KUBECONFIG" <<-END
	apiVersion: v1
	kind: Config
	current-context: tests
	contexts: [{name: tests, context: {cluster: tests, user: admin, namespace: default}}, {name: reader, context: {cluster: tests, user: reader}}]
	clusters: [{name: tests, cluster: {server: "https://127.0.0.1:6443", certificate-authority: $FOLDER/own/ca.crt}}]
	users:
	- {name: admin, user: {client-certificate: $FOLDER/own/admin.crt, client-key: $FOLDER/own/admin.key}}
	- {name: reader, user: {token: token-of-nobody-special}}
	END
)

signed() { # NAME SUBJECT [EXTENSION]
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" \
    -extfile <(echo "${3:-basicConstraints=CA:FALSE}") 2>/dev/null
}

program() { # NAME OPTION ...
  "$BUILT/$1" "${@:2}" >"$FOLDER/$1.log" 2>&1 &
}

control_plane() {
  program etcd --data-dir "$FOLDER/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync
  program kube-apiserver --etcd-servers http://127.0.0.1:2379 --secure-port 6443 --bind-address 127.0.0.1 \
    --advertise-address 10.214.0.1 --tls-cert-file "$FOLDER/own/apiserver.crt" --tls-private-key-file "$FOLDER/own/apiserver.key" \
    --client-ca-file "$FOLDER/own/ca.crt" --token-auth-file "$FOLDER/own/tokens" --authorization-mode RBAC \
    --service-account-key-file "$FOLDER/own/accounts.key" --service-account-signing-key-file "$FOLDER/own/accounts.key" \
    --service-account-issuer https://tests --service-cluster-ip-range 10.96.0.0/16 --allow-privileged \
    --cert-dir "$FOLDER/own" --kubelet-preferred-address-types InternalIP \
    --kubelet-client-certificate "$FOLDER/own/admin.crt" --kubelet-client-key "$FOLDER/own/admin.key"
  ready kube-apiserver curl -fsS --cacert "$FOLDER/own/ca.crt" --cert "$FOLDER/own/admin.crt" --key "$FOLDER/own/admin.key" \
    https://127.0.0.1:6443/readyz
  program kube-controller-manager --kubeconfig "$KUBECONFIG" --service-account-private-key-file "$FOLDER/own/accounts.key" \
    --root-ca-file "$FOLDER/own/ca.crt" --leader-elect=false --cert-dir "$FOLDER/own" --use-service-account-credentials=false
  program kube-scheduler --kubeconfig "$KUBECONFIG" --leader-elect=false --cert-dir "$FOLDER/own"
}

node() {
  cat >"$FOLDER/kubelet.yaml" <<-END
	apiVersion: kubelet.config.k8s.io/v1beta1
	kind: KubeletConfiguration
	cgroupDriver: cgroupfs
	cgroupsPerQOS: false
	enforceNodeAllocatable: []
	oomScoreAdj: 0
	failSwapOn: false
	authentication: {anonymous: {enabled: false}, x509: {clientCAFile: $FOLDER/own/ca.crt}, webhook: {enabled: false}}
	authorization: {mode: AlwaysAllow}
	clusterDNS: [10.214.0.1]
	clusterDomain: cluster.local
	resolvConf: ""
	imageGCHighThresholdPercent: 100
	evictionHard: {memory.available: "0%", nodefs.available: "0%", imagefs.available: "0%"}
	serializeImagePulls: false
	registryPullQPS: 0
	eventRecordQPS: 0
	END
  program kubelet --kubeconfig "$KUBECONFIG" --config "$FOLDER/kubelet.yaml" --root-dir /var/lib/kubelet --cert-dir "$FOLDER/own" \
    --docker-endpoint "$DOCKER_HOST" --pod-infra-container-image "$REGISTRY/pause:1" --hostname-override node1 --node-ip 10.214.0.1
  program kube-proxy --kubeconfig "$KUBECONFIG" --hostname-override node1 --proxy-mode iptables --cluster-cidr 10.215.0.0/16 \
    --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0 --conntrack-tcp-timeout-close-wait 0
}

images() { # IMAGE ...
  docker --host "$OUTER_DOCKER_HOST" save registry:2 "$@" | docker load --quiet >/dev/null
  docker run --detach --network host --name registry registry:2 >/dev/null
  ready registry curl -fsS "http://$REGISTRY/v2/"
  # What holds a pod's namespaces does nothing but wait.
  docker build --quiet --tag "$REGISTRY/pause:1" - >/dev/null <<-END
	FROM registry:2
	ENTRYPOINT ["sleep", "infinity"]
	END
  local each
  for each; do docker tag "$each" "$REGISTRY/$each"; docker push --quiet "$REGISTRY/$each" >/dev/null; done
  docker push --quiet "$REGISTRY/pause:1" >/dev/null
}

node_ready() {
  curl -fsS --cacert "$FOLDER/own/ca.crt" --cert "$FOLDER/own/admin.crt" --key "$FOLDER/own/admin.key" \
    https://127.0.0.1:6443/api/v1/nodes/node1 | grep -A12 KubeletReady | grep -q ready
}

ready() { # NAME COMMAND ...: wait until it succeeds
  local _
  for _ in $(seq 1200); do
    ! "${@:2}" >/dev/null 2>&1 || return 0
    sleep 0.1
  done
  echo "$1 does not answer:" >&2
  tail -n 10 "$FOLDER"/*.log >&2
  exit 1
}

main "$@"

# An SSH client, and what the tests simulate hosts with: the program of an SSH server, and tools for namespaces.

ssh_hosts() {
  have ssh || install openssh-client
  have ip || install iproute2
  [ -x /usr/sbin/sshd ] || install_sshd
}

install_sshd() { # only the program: no SSH server is started on this machine, now or at boot
  say "the tests start their own SSH servers: openssh-server is installed, its service is disabled"
  local policy=/usr/sbin/policy-rc.d ours=""
  if [ ! -e "$policy" ]; then
    need_root "installing openssh-server"
    printf '#!/bin/sh\nexit 101\n' | root install -m 755 /dev/stdin "$policy"
    ours=yes
    trap 'root rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  install openssh-server
  [ -z "$ours" ] || { root rm -f "$policy"; trap - EXIT; }
  if [ -d /run/systemd/system ]; then root systemctl disable --quiet --now ssh.service ssh.socket 2>/dev/null || true; fi
}

# An SSH client, and what the tests make hosts of on this machine: an SSH server's program and the tools of namespaces.

ssh_hosts() {
  have ssh || install openssh-client
  have ip || install iproute2
  [ -x /usr/sbin/sshd ] || install_sshd
}

install_sshd() { # the program alone: this machine gets no SSH server that runs, now or after its next start
  say "the tests start SSH servers of their own: openssh-server's program is installed, its service stays off"
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

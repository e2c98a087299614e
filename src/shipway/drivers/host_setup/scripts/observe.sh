# Prints what is compared, a line each: NAME VALUE. Contents are in base64. Changes nothing.
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

say() { printf '%s %s\n' "$1" "$2"; }
content() { [ ! -f "$2" ] || say "$1" "$(base64 -w0 "$2")"; }
encoded() { say "$1" "$(base64 -w0)"; }
enabled() { # SERVICE: at boot; also where no service manager runs
  if command -v systemctl >/dev/null; then
    [ "$(systemctl is-enabled "$1" 2>/dev/null)" = enabled ]
  else
    ls /etc/rc2.d/S??"${1%.*}" >/dev/null 2>&1
  fi
}

say system "$(. /etc/os-release; echo "${ID:-} ${VERSION_ID:-}")"
content recorded /etc/shipway/host.json
say packages "$(dpkg-query -W -f '${Package}=${db:Status-Status} ' 2>/dev/null |
  tr ' ' '\n' | sed -n 's/=installed$//p' | grep -xF "$(echo "$PACKAGES" | tr ' ' '\n')" | tr '\n' ' ')"

version=$(timeout 20 docker version --format '{{.Server.Version}}' 2>/dev/null) && say engine "$version"
! enabled docker.service || say engine_at_boot yes
content settings /etc/docker/daemon.json

if entry=$(getent passwd "$USER_NAME"); then
  say user yes
  home=$(echo "$entry" | cut -d: -f6)
  case " $(id -nG "$USER_NAME") " in *" docker "*) say user_engine yes ;; esac
  [ "$(id -u "$USER_NAME")" != 0 ] || say user_engine yes
  content keys "$home/.ssh/authorized_keys"
  for path in "$home/.ssh" "$home/.ssh/authorized_keys"; do
    [ ! -e "$path" ] || say user_path "$(stat -c '%U %a' "$path")"
  done
fi

say upgrades "$(apt-config dump APT::Periodic 2>/dev/null | sed -n 's/^APT::Periodic::\(Update-Package-Lists\|Unattended-Upgrade\) "\([^"]*\)";/\1=\2/p' | tr '\n' ' ')"
! enabled apt-daily-upgrade.timer || say upgrades_at_boot yes
for service in $TIME_SERVICES; do ! enabled "$service.service" || say time "$service"; done
[ ! -d /run/systemd/system ] || say synchronized "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)"
say swap "$(swapon --show=SIZE --bytes --noheadings 2>/dev/null | awk '{ all += $1 } END { printf "%d", all }')"

content firewall /etc/shipway/firewall.nft
if [ -f /etc/shipway/firewall.listing ] && nft -s list table inet shipway 2>/dev/null | cmp -s - /etc/shipway/firewall.listing; then
  say firewall_loaded yes
fi
! enabled shipway-firewall.service || say firewall_at_boot yes
case "$(ufw status 2>/dev/null)" in *"Status: active"*) say firewall_other ufw ;; esac
[ "$(firewall-cmd --state 2>/dev/null)" != running ] || say firewall_other firewalld

mkdir -p /run/sshd 2>/dev/null
sshd -T 2>/dev/null | encoded ssh
say ssh_port "$SSH_PORT"
! grep -qiE '^[[:space:]]*include[[:space:]]+"?/etc/ssh/sshd_config\.d/\*\.conf' /etc/ssh/sshd_config || say ssh_drop_ins yes

root=/var/lib/docker; [ -d "$root" ] || root=/var/lib
say disk_free "$(df -PB1 "$root" | awk 'NR == 2 { print $4 }')"

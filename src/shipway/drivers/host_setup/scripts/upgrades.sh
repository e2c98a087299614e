write /etc/apt/apt.conf.d/52shipway-upgrades 644 <<'CONF'
// Written by Shipway: security updates are installed daily. What is installed, and whether the machine restarts, is set in
// 50unattended-upgrades.
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
CONF
if command -v systemctl >/dev/null; then
  systemctl --quiet enable apt-daily.timer apt-daily-upgrade.timer
  [ ! -d /run/systemd/system ] || systemctl start apt-daily.timer apt-daily-upgrade.timer
fi

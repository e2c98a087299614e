# Through a new connection.
mv "/run/shipway/firewall.pending.$TOKEN" /run/shipway/firewall.confirmed
write /etc/systemd/system/shipway-firewall.service 644 <<'UNIT'
# Written by Shipway
[Unit]
Description=Shipway's firewall
DefaultDependencies=no
After=local-fs.target nftables.service
Before=network-pre.target shutdown.target docker.service
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft --file /etc/shipway/firewall.nft
ExecReload=/usr/sbin/nft --file /etc/shipway/firewall.nft
ExecStop=/usr/sbin/nft delete table inet shipway

[Install]
WantedBy=sysinit.target
UNIT
[ ! -d /run/systemd/system ] || systemctl daemon-reload
enable shipway-firewall.service
nft -s list table inet shipway | write /etc/shipway/firewall.listing 600
write /etc/shipway/firewall.nft 600 </run/shipway/firewall.nft

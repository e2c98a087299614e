# Through a new connection.
mv "/run/shipway/ssh.pending.$TOKEN" /run/shipway/ssh.confirmed
rm -f /run/shipway/ssh.before

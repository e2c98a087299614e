# One or two servers at Hetzner in a private network, behind a firewall. Hetzner has no managed database: it runs as an
# accessory on the first server. The state is beside this file unless you add a backend.

terraform {
  required_version = ">= 1.6"
  required_providers {
    hcloud = {
      source  = "hetznercloud/hcloud"
      version = "~> 1.48"
    }
  }
}

provider "hcloud" {} # takes the variable HCLOUD_TOKEN

variable "name" {
  description = "Prefix of all names"
  type        = string
}

variable "servers" {
  description = "Number of servers"
  type        = number
  default     = 1
}

variable "server_type" {
  type    = string
  default = "cx22"
}

variable "location" {
  type    = string
  default = "fsn1"
}

variable "ssh_public_key" {
  description = "Key of whoever prepares the servers"
  type        = string
}

variable "ssh_from" {
  description = "Ranges of addresses that may use SSH"
  type        = list(string)
  default     = ["0.0.0.0/0", "::/0"]
}

resource "hcloud_ssh_key" "operator" {
  name       = "${var.name}-operator"
  public_key = var.ssh_public_key
}

resource "hcloud_network" "private" {
  name     = var.name
  ip_range = "10.20.0.0/16"
}

resource "hcloud_network_subnet" "private" {
  network_id   = hcloud_network.private.id
  type         = "cloud"
  network_zone = "eu-central"
  ip_range     = "10.20.1.0/24"
}

resource "hcloud_firewall" "web" {
  name = var.name

  rule {
    direction  = "in"
    protocol   = "tcp"
    port       = "22"
    source_ips = var.ssh_from
  }

  rule {
    direction  = "in"
    protocol   = "tcp"
    port       = "80"
    source_ips = ["0.0.0.0/0", "::/0"]
  }

  rule {
    direction  = "in"
    protocol   = "tcp"
    port       = "443"
    source_ips = ["0.0.0.0/0", "::/0"]
  }
}

resource "hcloud_server" "web" {
  count        = var.servers
  name         = "${var.name}-${count.index + 1}"
  image        = "debian-12"
  server_type  = var.server_type
  location     = var.location
  ssh_keys     = [hcloud_ssh_key.operator.id]
  firewall_ids = [hcloud_firewall.web.id]

  network {
    network_id = hcloud_network.private.id
    ip         = "10.20.1.${count.index + 10}"
  }

  depends_on = [hcloud_network_subnet.private]
}

output "hosts" {
  description = "For `hosts` of the environment, with the private addresses"
  value = [
    for index, server in hcloud_server.web : {
      host    = "ssh://deploy@${server.ipv4_address}"
      address = "10.20.1.${index + 10}"
    }
  ]
}

output "addresses" {
  description = "For the records of the environment"
  value       = flatten([for server in hcloud_server.web : [server.ipv4_address, server.ipv6_address]])
}

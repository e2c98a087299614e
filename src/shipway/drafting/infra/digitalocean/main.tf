# One or two droplets at DigitalOcean in a private network, a managed PostgreSQL that only they reach, and a firewall. The state
# is beside this file unless you add a backend.

terraform {
  required_version = ">= 1.6"
  required_providers {
    digitalocean = {
      source  = "digitalocean/digitalocean"
      version = "~> 2.43"
    }
  }
}

provider "digitalocean" {} # takes the variable DIGITALOCEAN_TOKEN

variable "name" {
  description = "Prefix of all names"
  type        = string
}

variable "servers" {
  description = "Number of droplets"
  type        = number
  default     = 1
}

variable "size" {
  type    = string
  default = "s-2vcpu-4gb"
}

variable "database_size" {
  type    = string
  default = "db-s-1vcpu-2gb"
}

variable "region" {
  type    = string
  default = "fra1"
}

variable "ssh_public_key" {
  description = "Key of whoever prepares the droplets"
  type        = string
}

variable "ssh_from" {
  description = "Ranges of addresses that may use SSH"
  type        = list(string)
  default     = ["0.0.0.0/0", "::/0"]
}

resource "digitalocean_ssh_key" "operator" {
  name       = "${var.name}-operator"
  public_key = var.ssh_public_key
}

resource "digitalocean_vpc" "private" {
  name   = var.name
  region = var.region
}

resource "digitalocean_droplet" "web" {
  count    = var.servers
  name     = "${var.name}-${count.index + 1}"
  image    = "debian-12-x64"
  size     = var.size
  region   = var.region
  vpc_uuid = digitalocean_vpc.private.id
  ssh_keys = [digitalocean_ssh_key.operator.id]
  ipv6     = true
}

resource "digitalocean_firewall" "web" {
  name        = var.name
  droplet_ids = digitalocean_droplet.web[*].id

  inbound_rule {
    protocol         = "tcp"
    port_range       = "22"
    source_addresses = var.ssh_from
  }

  inbound_rule {
    protocol         = "tcp"
    port_range       = "80"
    source_addresses = ["0.0.0.0/0", "::/0"]
  }

  inbound_rule {
    protocol         = "tcp"
    port_range       = "443"
    source_addresses = ["0.0.0.0/0", "::/0"]
  }

  inbound_rule {
    protocol         = "tcp"
    port_range       = "1-65535"
    source_addresses = [digitalocean_vpc.private.ip_range]
  }

  outbound_rule {
    protocol              = "tcp"
    port_range            = "1-65535"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }

  outbound_rule {
    protocol              = "udp"
    port_range            = "1-65535"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }
}

resource "digitalocean_database_cluster" "main" {
  name                 = var.name
  engine               = "pg"
  version              = "16"
  size                 = var.database_size
  region               = var.region
  node_count           = 1
  private_network_uuid = digitalocean_vpc.private.id

  lifecycle {
    prevent_destroy = true
  }
}

resource "digitalocean_database_firewall" "main" {
  cluster_id = digitalocean_database_cluster.main.id

  dynamic "rule" {
    for_each = digitalocean_droplet.web
    content {
      type  = "droplet"
      value = rule.value.id
    }
  }
}

output "hosts" {
  description = "For `hosts` of the environment, with the private addresses"
  value = [
    for server in digitalocean_droplet.web : {
      host    = "ssh://deploy@${server.ipv4_address}"
      address = server.ipv4_address_private
    }
  ]
}

output "addresses" {
  description = "For the records of the environment"
  value       = flatten([for server in digitalocean_droplet.web : [server.ipv4_address, server.ipv6_address]])
}

output "database_url" {
  description = "For an external accessory"
  value       = digitalocean_database_cluster.main.private_uri
  sensitive   = true
}

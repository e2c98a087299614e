# One or two instances at AWS in the default network, a managed PostgreSQL that only they reach, fixed addresses and firewalls.
# The state is beside this file unless you add a backend.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.70"
    }
  }
}

provider "aws" { # takes the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
  region = var.region
}

variable "name" {
  description = "Prefix of all names"
  type        = string
}

variable "servers" {
  description = "Number of instances"
  type        = number
  default     = 1
}

variable "instance_type" {
  type    = string
  default = "t3.medium"
}

variable "database_class" {
  type    = string
  default = "db.t4g.small"
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

variable "ssh_public_key" {
  description = "Key of whoever prepares the instances"
  type        = string
}

variable "ssh_from" {
  description = "Ranges of addresses that may use SSH"
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "database_password" {
  description = "Letters and digits: it is a part of an address"
  type        = string
  sensitive   = true
}

data "aws_vpc" "default" {
  default = true
}

data "aws_ami" "debian" {
  most_recent = true
  owners      = ["136693071363"] # Debian

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

resource "aws_key_pair" "operator" {
  key_name   = "${var.name}-operator"
  public_key = var.ssh_public_key
}

resource "aws_security_group" "web" {
  name   = "${var.name}-web"
  vpc_id = data.aws_vpc.default.id

  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = var.ssh_from
  }

  ingress {
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  ingress {
    from_port = 0
    to_port   = 0
    protocol  = "-1"
    self      = true
  }

  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "database" {
  name   = "${var.name}-database"
  vpc_id = data.aws_vpc.default.id

  ingress {
    from_port       = 5432
    to_port         = 5432
    protocol        = "tcp"
    security_groups = [aws_security_group.web.id]
  }
}

resource "aws_instance" "web" {
  count                  = var.servers
  ami                    = data.aws_ami.debian.id
  instance_type          = var.instance_type
  key_name               = aws_key_pair.operator.key_name
  vpc_security_group_ids = [aws_security_group.web.id]

  root_block_device {
    volume_size = 40
    encrypted   = true
  }

  tags = {
    Name = "${var.name}-${count.index + 1}"
  }

  lifecycle {
    ignore_changes = [ami] # a newer image is no reason to replace a server
  }
}

resource "aws_eip" "web" {
  count    = var.servers
  domain   = "vpc"
  instance = aws_instance.web[count.index].id
}

resource "aws_db_instance" "main" {
  identifier                = var.name
  engine                    = "postgres"
  engine_version            = "16"
  instance_class            = var.database_class
  allocated_storage         = 20
  storage_encrypted         = true
  db_name                   = "app"
  username                  = "app"
  password                  = var.database_password
  vpc_security_group_ids    = [aws_security_group.database.id]
  publicly_accessible       = false
  backup_retention_period   = 7
  deletion_protection       = true
  final_snapshot_identifier = "${var.name}-final"
}

output "hosts" {
  description = "For `hosts` of the environment, with the private addresses"
  value = [
    for index, server in aws_instance.web : {
      host    = "ssh://deploy@${aws_eip.web[index].public_ip}"
      address = server.private_ip
    }
  ]
}

output "addresses" {
  description = "For the records of the environment"
  value       = aws_eip.web[*].public_ip
}

output "database_url" {
  description = "For an external accessory"
  value       = "postgresql://app:${var.database_password}@${aws_db_instance.main.endpoint}/app"
  sensitive   = true
}

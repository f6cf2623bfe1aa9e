# Written by generate.py from template.yaml; change that, and run `python infra/terraform/generate.py`.

variable "name" {
  description = "What the parts are called by: the name of the stack"
  type        = string
  default     = "forester"
}

variable "config_uri" {
  description = "Where forester.yaml is, as s3://bucket/key"
  type = string
  validation {
    condition = can(regex("^s3://[^/]+/.+$", var.config_uri))
    error_message = "config_uri does not fit: can(regex(\"^s3://[^/]+/.+$\", it))"
  }
}

variable "config_bucket" {
  description = "The bucket of ConfigUri, for the read permission"
  type = string
}

variable "member_role" {
  description = "The role that the functions assume in member accounts (access.role in forester.yaml)"
  type = string
  default = "OrganizationAccountAccessRole"
}

variable "fallback_role" {
  description = "The role that is tried where the first cannot be assumed (access.fallback in forester.yaml)"
  type = string
  default = "AWSControlTowerExecution"
}

variable "alarm_topic" {
  description = "A topic for alarms about Forester itself, on a way that does not lead through Forester; empty for none"
  type = string
  default = ""
}

variable "reset_schedule" {
  description = "When sandboxes are reset; the same as sandbox.schedule in forester.yaml, by which owners are told"
  type = string
  default = "cron(0 2 ? * SUN *)"
}

variable "reset_timezone" {
  description = "ResetTimezone"
  type = string
  default = "UTC"
}

variable "reset_state" {
  description = "Whether that schedule is on; DISABLED where forester.yaml has no sandbox.schedule"
  type = string
  default = "ENABLED"
  validation {
    condition = contains(["ENABLED", "DISABLED"], var.reset_state)
    error_message = "reset_state does not fit: contains([\"ENABLED\", \"DISABLED\"], it)"
  }
}

variable "notice_schedule" {
  description = "How often it is asked which owners are to be told of a reset (sandbox.notice in forester.yaml)"
  type = string
  default = "cron(30 * * * ? *)"
}

variable "sweep_schedule" {
  description = "How often every account is compared with its baseline; finds what an event lost"
  type = string
  default = "rate(1 hour)"
}

variable "architecture" {
  description = "Architecture"
  type = string
  default = "arm64"
  validation {
    condition = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture does not fit: contains([\"arm64\", \"x86_64\"], it)"
  }
}

variable "reserved_for_alerts" {
  description = "How many executions of the account are kept for each function that alerts pass through, 5 or more; 0 keeps none"
  type = number
  default = 0
  validation {
    condition = var.reserved_for_alerts >= 0
    error_message = "reserved_for_alerts does not fit: it >= 0"
  }
}

variable "reserved_for_actions" {
  description = "How many executions alert-actions may have, whose URL is open to everybody; 0 sets no limit"
  type = number
  default = 0
  validation {
    condition = var.reserved_for_actions >= 0
    error_message = "reserved_for_actions does not fit: it >= 0"
  }
}

variable "organization_id" {
  description = "The organization (o-...) whose accounts may forward events here; empty when no account forwards any"
  type = string
  default = ""
  validation {
    condition = can(regex("^(o-[a-z0-9]{10,32})?$", var.organization_id))
    error_message = "organization_id does not fit: can(regex(\"^(o-[a-z0-9]{10,32})?$\", it))"
  }
}

variable "log_days" {
  description = "How long the functions' logs are kept"
  type = number
  default = 90
  validation {
    condition = contains([7, 14, 30, 60, 90, 120, 180, 365, 400, 545, 731, 1827, 3653], var.log_days)
    error_message = "log_days does not fit: contains([7, 14, 30, 60, 90, 120, 180, 365, 400, 545, 731, 1827, 3653], it)"
  }
}

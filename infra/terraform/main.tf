# Written by generate.py from template.yaml; change that, and run `python infra/terraform/generate.py`.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  has_alarm_topic = !(var.alarm_topic == "")
  has_forwarders = !(var.organization_id == "")
  reserves_for_alerts = !(var.reserved_for_alerts == 0)
  reserves_for_actions = !(var.reserved_for_actions == 0)
}

resource "aws_dynamodb_table" "state_table" {
  name = "${var.name}-state"
  billing_mode = "PAY_PER_REQUEST"
  hash_key = "pk"
  range_key = "sk"
  deletion_protection_enabled = true
  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "S"
  }
  ttl {
    attribute_name = "ttl"
    enabled = true
  }
  point_in_time_recovery {
    enabled = true
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket" "receipts_bucket" {
  bucket_prefix = "${var.name}-receipts-"
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "receipts_bucket" {
  bucket = aws_s3_bucket.receipts_bucket.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "receipts_bucket" {
  bucket = aws_s3_bucket.receipts_bucket.id
  block_public_acls = true
  block_public_policy = true
  ignore_public_acls = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "receipts_bucket" {
  bucket = aws_s3_bucket.receipts_bucket.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "receipts_bucket" {
  bucket = aws_s3_bucket.receipts_bucket.id
  rule {
    id = "forget-what-was-written-over"
    status = "Enabled"
    filter {
    }
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "receipts_bucket_policy" {
  bucket = aws_s3_bucket.receipts_bucket.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "TlsOnly"
        Effect = "Deny"
        Principal = "*"
        Action = "s3:*"
        Resource = [aws_s3_bucket.receipts_bucket.arn, "${aws_s3_bucket.receipts_bucket.arn}/*"]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      },
    ]
  })
}

resource "aws_cloudwatch_event_bus_policy" "forwarded" {
  count = local.has_forwarders ? 1 : 0
  event_bus_name = "default"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "Forwarders"
        Effect = "Allow"
        Principal = {
          AWS = "*"
        }
        Action = "events:PutEvents"
        Resource = "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:event-bus/default"
        Condition = {
          StringEquals = {
            "aws:PrincipalOrgID" = var.organization_id
          }
          ArnLike = {
            "aws:PrincipalArn" = "arn:${data.aws_partition.current.partition}:iam::*:role/forester/*"
          }
        }
      },
    ]
  })
}

resource "aws_iam_policy" "base_access" {
  name_prefix = "${var.name}-BaseAccess-"
  description = "Reads the configuration, remembers, and posts what is to be delivered"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "Remember"
        Effect = "Allow"
        Action = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]
        Resource = aws_dynamodb_table.state_table.arn
      },
      {
        Sid = "ReadConfiguration"
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = "arn:${data.aws_partition.current.partition}:s3:::${var.config_bucket}/*"
      },
      {
        Sid = "Deliver"
        Effect = "Allow"
        Action = "sqs:SendMessage"
        Resource = [aws_sqs_queue.outbox_queue.arn, aws_sqs_queue.alarm_queue.arn]
      },
    ]
  })
}

resource "aws_iam_policy" "organization_access" {
  name_prefix = "${var.name}-OrganizationAccess-"
  description = "Reads the organization, and enters member accounts"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "EnterMembers"
        Effect = "Allow"
        Action = "sts:AssumeRole"
        Resource = [
          "arn:${data.aws_partition.current.partition}:iam::*:role/${var.member_role}",
          "arn:${data.aws_partition.current.partition}:iam::*:role/${var.fallback_role}",
        ]
      },
      {
        Sid = "ReadOrganization"
        Effect = "Allow"
        Action = [
          "account:GetAlternateContact",
          "organizations:DescribeAccount",
          "organizations:DescribeOrganization",
          "organizations:DescribeOrganizationalUnit",
          "organizations:ListAccounts",
          "organizations:ListAccountsForParent",
          "organizations:ListDelegatedAdministrators",
          "organizations:ListOrganizationalUnitsForParent",
          "organizations:ListParents",
          "organizations:ListRoots",
          "organizations:ListTagsForResource",
        ]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_policy" "member_access" {
  name_prefix = "${var.name}-MemberAccess-"
  description = "Keeps what the organization holds about its members"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "KeepMembers"
        Effect = "Allow"
        Action = [
          "ce:CreateAnomalyMonitor",
          "ce:CreateAnomalySubscription",
          "ce:DeleteAnomalySubscription",
          "ce:GetAnomalyMonitors",
          "ce:GetAnomalySubscriptions",
          "ce:UpdateAnomalySubscription",
          "iam:ListOrganizationsFeatures",
          "organizations:MoveAccount",
          "organizations:TagResource",
          "organizations:UntagResource",
        ]
        Resource = "*"
      },
      {
        Sid = "DeleteRootCredentials"
        Effect = "Allow"
        Action = "sts:AssumeRoot"
        Resource = "arn:${data.aws_partition.current.partition}:iam::*:root"
        Condition = {
          ArnEquals = {
            "sts:TaskPolicyArn" = [
              "arn:${data.aws_partition.current.partition}:iam::aws:policy/root-task/IAMAuditRootUserCredentials",
              "arn:${data.aws_partition.current.partition}:iam::aws:policy/root-task/IAMDeleteRootUserCredentials",
            ]
          }
        }
      },
      {
        Sid = "LetGroupsOfIdentityCenterIn"
        Effect = "Allow"
        Action = [
          "identitystore:GetGroupId",
          "identitystore:ListGroups",
          "sso:CreateAccountAssignment",
          "sso:DeleteAccountAssignment",
          "sso:DescribeAccountAssignmentCreationStatus",
          "sso:DescribeAccountAssignmentDeletionStatus",
          "sso:DescribePermissionSet",
          "sso:ListAccountAssignments",
          "sso:ListInstances",
          "sso:ListPermissionSets",
          "sso:ListPermissionSetsProvisionedToAccount",
        ]
        Resource = "*"
      },
    ]
  })
}

resource "aws_sqs_queue" "baseline_queue" {
  name = "${var.name}-BaselineQueue"
  visibility_timeout_seconds = 3600
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount = 8
  })
}

resource "aws_sqs_queue_policy" "baseline_queue_policy" {
  queue_url = aws_sqs_queue.baseline_queue.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "events.amazonaws.com"
        }
        Action = "sqs:SendMessage"
        Resource = aws_sqs_queue.baseline_queue.arn
        Condition = {
          ArnEquals = {
            "aws:SourceArn" = [
              aws_cloudwatch_event_rule.organization_rule.arn,
              aws_cloudwatch_event_rule.control_tower_rule.arn,
              aws_cloudwatch_event_rule.region_rule.arn,
            ]
          }
        }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "organization_rule" {
  name = "${var.name}-OrganizationRule"
  description = "Accounts that are created, join, move, are tagged, leave or close"
  event_pattern = jsonencode({
    source = ["aws.organizations"]
    detail = {
      eventName = [
        "CreateAccountResult",
        "AccountJoinedOrganization",
        "AccountDepartedOrganization",
        "AcceptHandshake",
        "MoveAccount",
        "TagResource",
        "UntagResource",
        "CloseAccount",
        "CloseAccountResult",
        "RemoveAccountFromOrganization",
        "LeaveOrganization",
        "EffectivePolicyValidation",
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "organization_rule" {
  rule = aws_cloudwatch_event_rule.organization_rule.name
  target_id = "baseline"
  arn = aws_sqs_queue.baseline_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_cloudwatch_event_rule" "control_tower_rule" {
  name = "${var.name}-ControlTowerRule"
  description = "Accounts that Control Tower enrols or updates, and what it changes for all of them"
  event_pattern = jsonencode({
    source = ["aws.controltower"]
    detail = {
      eventName = [
        "CreateManagedAccount",
        "UpdateManagedAccount",
        "RegisterOrganizationalUnit",
        "DeregisterOrganizationalUnit",
        "SetupLandingZone",
        "UpdateLandingZone",
        "EnableGuardrail",
        "DisableGuardrail",
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "control_tower_rule" {
  rule = aws_cloudwatch_event_rule.control_tower_rule.name
  target_id = "baseline"
  arn = aws_sqs_queue.baseline_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_cloudwatch_event_rule" "region_rule" {
  name = "${var.name}-RegionRule"
  description = "Regions that this account, or one that forwards its events here, has opted into"
  event_pattern = jsonencode({
    source = ["aws.account"]
    detail-type = ["Region Opt-In Status Change"]
  })
}

resource "aws_cloudwatch_event_target" "region_rule" {
  rule = aws_cloudwatch_event_rule.region_rule.name
  target_id = "baseline"
  arn = aws_sqs_queue.baseline_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_scheduler_schedule" "sweep" {
  name = "${var.name}-Sweep"
  description = "Compares every account with its baseline; events are hints, this is the authority"
  schedule_expression = var.sweep_schedule
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn = aws_sqs_queue.baseline_queue.arn
    role_arn = aws_iam_role.scheduler_role.arn
    input = "{\"action\":\"sweep\"}"
    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_cloudwatch_log_group" "account_baseline_logs" {
  name = "/aws/lambda/${var.name}-account-baseline"
  retention_in_days = var.log_days
}

resource "aws_iam_role" "account_baseline" {
  name_prefix = "${var.name}-AccountBaseline-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "account_baseline" {
  role = aws_iam_role.account_baseline.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "ComeAgainLater"
        Effect = "Allow"
        Action = "sqs:SendMessage"
        Resource = aws_sqs_queue.baseline_queue.arn
      },
      {
        Sid = "KeepTheOrganization"
        Effect = "Allow"
        Action = [
          "cloudtrail:RegisterOrganizationDelegatedAdmin",
          "guardduty:EnableOrganizationAdminAccount",
          "guardduty:ListOrganizationAdminAccounts",
          "iam:EnableOrganizationsRootCredentialsManagement",
          "iam:EnableOrganizationsRootSessions",
          "organizations:AttachPolicy",
          "organizations:CreateAccount",
          "organizations:CreateOrganizationalUnit",
          "organizations:CreatePolicy",
          "organizations:DescribePolicy",
          "organizations:DetachPolicy",
          "organizations:EnableAWSServiceAccess",
          "organizations:EnablePolicyType",
          "organizations:ListAWSServiceAccessForOrganization",
          "organizations:ListCreateAccountStatus",
          "organizations:ListPolicies",
          "organizations:ListPoliciesForTarget",
          "organizations:ListTargetsForPolicy",
          "organizations:RegisterDelegatedAdministrator",
          "organizations:UpdatePolicy",
          "securityhub:EnableOrganizationAdminAccount",
          "securityhub:ListOrganizationAdminAccounts",
          "servicequotas:AssociateServiceQuotaTemplate",
          "servicequotas:GetAssociationForServiceQuotaTemplate",
          "servicequotas:ListServiceQuotaIncreaseRequestsInTemplate",
          "servicequotas:PutServiceQuotaIncreaseRequestIntoTemplate",
        ]
        Resource = "*"
      },
      {
        Sid = "KeepTheHomeAccount"
        Effect = "Allow"
        Action = [
          "account:EnableRegion",
          "account:GetContactInformation",
          "account:ListRegions",
          "account:PutAlternateContact",
          "autoscaling:DescribeAccountLimits",
          "budgets:ModifyBudget",
          "budgets:ViewBudget",
          "cloudformation:DescribeAccountLimits",
          "dynamodb:DescribeLimits",
          "ec2:CreateDefaultVpc",
          "ec2:DeleteEgressOnlyInternetGateway",
          "ec2:DeleteInternetGateway",
          "ec2:DeleteNetworkAcl",
          "ec2:DeleteRouteTable",
          "ec2:DeleteSecurityGroup",
          "ec2:DeleteSubnet",
          "ec2:DeleteVpc",
          "ec2:DescribeEgressOnlyInternetGateways",
          "ec2:DescribeInternetGateways",
          "ec2:DescribeNetworkAcls",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeRegions",
          "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeVpcEndpoints",
          "ec2:DescribeVpcPeeringConnections",
          "ec2:DescribeVpcs",
          "ec2:DescribeVpnGateways",
          "ec2:DetachInternetGateway",
          "ec2:DisableSerialConsoleAccess",
          "ec2:EnableEbsEncryptionByDefault",
          "ec2:EnableImageBlockPublicAccess",
          "ec2:EnableSnapshotBlockPublicAccess",
          "ec2:GetEbsDefaultKmsKeyId",
          "ec2:GetEbsEncryptionByDefault",
          "ec2:GetImageBlockPublicAccessState",
          "ec2:GetInstanceMetadataDefaults",
          "ec2:GetSerialConsoleAccessStatus",
          "ec2:GetSnapshotBlockPublicAccessState",
          "ec2:ModifyEbsDefaultKmsKeyId",
          "ec2:ModifyInstanceMetadataDefaults",
          "ec2:ModifySubnetAttribute",
          "ec2:RevokeSecurityGroupEgress",
          "ec2:RevokeSecurityGroupIngress",
          "elasticloadbalancing:DescribeAccountLimits",
          "iam:AddClientIDToOpenIDConnectProvider",
          "iam:AttachGroupPolicy",
          "iam:AttachRolePolicy",
          "iam:CreateAccountAlias",
          "iam:CreateGroup",
          "iam:CreateOpenIDConnectProvider",
          "iam:CreateRole",
          "iam:DeleteGroupPolicy",
          "iam:DeleteRole",
          "iam:DeleteRolePolicy",
          "iam:DetachGroupPolicy",
          "iam:DetachRolePolicy",
          "iam:GetAccountPasswordPolicy",
          "iam:GetAccountSummary",
          "iam:GetGroupPolicy",
          "iam:GetOpenIDConnectProvider",
          "iam:GetRole",
          "iam:GetRolePolicy",
          "iam:ListAccountAliases",
          "iam:ListAttachedGroupPolicies",
          "iam:ListAttachedRolePolicies",
          "iam:ListGroupPolicies",
          "iam:ListRolePolicies",
          "iam:ListRoles",
          "iam:PutGroupPolicy",
          "iam:PutRolePermissionsBoundary",
          "iam:PutRolePolicy",
          "iam:RemoveClientIDFromOpenIDConnectProvider",
          "iam:TagRole",
          "iam:UntagRole",
          "iam:UpdateAccountPasswordPolicy",
          "iam:UpdateAssumeRolePolicy",
          "iam:UpdateOpenIDConnectProviderThumbprint",
          "iam:UpdateRole",
          "kinesis:DescribeLimits",
          "kms:CreateAlias",
          "kms:CreateKey",
          "kms:DescribeKey",
          "kms:EnableKeyRotation",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:ListAliases",
          "kms:ListKeys",
          "kms:ListResourceTags",
          "kms:PutKeyPolicy",
          "kms:TagResource",
          "rds:DescribeAccountAttributes",
          "route53:GetAccountLimit",
          "s3:GetAccountPublicAccessBlock",
          "s3:GetBucketPolicy",
          "s3:PutAccountPublicAccessBlock",
          "s3:PutBucketPolicy",
          "servicequotas:GetAWSDefaultServiceQuota",
          "servicequotas:GetServiceQuota",
          "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota",
          "servicequotas:RequestServiceQuotaIncrease",
          "ssm:GetServiceSetting",
          "ssm:UpdateServiceSetting",
        ]
        Resource = "*"
      },
      {
        Sid = "ShareFromTheHomeAccount"
        Effect = "Allow"
        Action = [
          "ec2:AcceptVpcPeeringConnection",
          "ec2:CreateRoute",
          "ec2:CreateTags",
          "ec2:CreateVpcPeeringConnection",
          "ec2:DescribeImageAttribute",
          "ec2:DescribeImages",
          "ec2:DescribeSnapshots",
          "ec2:ModifyImageAttribute",
          "ec2:ReplaceRoute",
          "ecr:DeleteRegistryPolicy",
          "ecr:DeleteRepositoryPolicy",
          "ecr:DescribeRegistry",
          "ecr:DescribeRepositories",
          "ecr:GetRegistryPolicy",
          "ecr:GetRepositoryPolicy",
          "ecr:PutRegistryPolicy",
          "ecr:PutReplicationConfiguration",
          "ecr:SetRepositoryPolicy",
          "ram:AcceptResourceShareInvitation",
          "ram:AssociateResourceShare",
          "ram:CreateResourceShare",
          "ram:DisassociateResourceShare",
          "ram:EnableSharingWithAwsOrganization",
          "ram:GetResourceShareAssociations",
          "ram:GetResourceShareInvitations",
          "ram:GetResourceShares",
          "ram:TagResource",
          "route53:ChangeResourceRecordSets",
          "route53:CreateHostedZone",
          "route53:GetHostedZone",
          "route53:ListHostedZonesByName",
          "route53:ListResourceRecordSets",
        ]
        Resource = "*"
      },
      {
        Sid = "WatchTheHomeAccount"
        Effect = "Allow"
        Action = [
          "access-analyzer:CreateAnalyzer",
          "access-analyzer:ListAnalyzers",
          "cloudtrail:CreateTrail",
          "cloudtrail:DescribeTrails",
          "cloudtrail:GetEventSelectors",
          "cloudtrail:GetTrailStatus",
          "cloudtrail:PutEventSelectors",
          "cloudtrail:StartLogging",
          "cloudtrail:UpdateTrail",
          "cloudwatch:DescribeAlarms",
          "cloudwatch:PutMetricAlarm",
          "config:DescribeConfigurationRecorderStatus",
          "config:DescribeConfigurationRecorders",
          "config:DescribeDeliveryChannels",
          "config:PutConfigurationRecorder",
          "config:PutDeliveryChannel",
          "config:StartConfigurationRecorder",
          "guardduty:CreateDetector",
          "guardduty:DescribeOrganizationConfiguration",
          "guardduty:GetDetector",
          "guardduty:ListDetectors",
          "guardduty:UpdateDetector",
          "guardduty:UpdateOrganizationConfiguration",
          "logs:CreateLogGroup",
          "logs:DescribeLogGroups",
          "logs:DescribeMetricFilters",
          "logs:PutMetricFilter",
          "logs:PutRetentionPolicy",
          "s3:CreateBucket",
          "s3:GetBucketOwnershipControls",
          "s3:GetBucketPublicAccessBlock",
          "s3:GetBucketVersioning",
          "s3:GetEncryptionConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:ListAllMyBuckets",
          "s3:PutBucketOwnershipControls",
          "s3:PutBucketPublicAccessBlock",
          "s3:PutBucketVersioning",
          "s3:PutEncryptionConfiguration",
          "s3:PutLifecycleConfiguration",
          "securityhub:CreateMembers",
          "securityhub:DescribeHub",
          "securityhub:DescribeOrganizationConfiguration",
          "securityhub:EnableSecurityHub",
          "securityhub:ListMembers",
          "securityhub:UpdateOrganizationConfiguration",
          "sns:CreateTopic",
          "sns:ListSubscriptionsByTopic",
          "sns:Subscribe",
        ]
        Resource = "*"
      },
      {
        Sid = "GiveServicesTheirRoles"
        Effect = "Allow"
        Action = "iam:PassRole"
        Resource = [
          "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/*ForesterTrailLogs",
          "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/aws-service-role/config.amazonaws.com/*",
        ]
      },
      {
        Sid = "MakeServiceRoles"
        Effect = "Allow"
        Action = "iam:CreateServiceLinkedRole"
        Resource = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/aws-service-role/*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "account_baseline" {
  count = 5
  role = aws_iam_role.account_baseline.name
  policy_arn = [
    aws_iam_policy.base_access.arn,
    aws_iam_policy.organization_access.arn,
    aws_iam_policy.member_access.arn,
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
  ][count.index]
}

resource "aws_lambda_function" "account_baseline" {
  function_name = "${var.name}-account-baseline"
  description = "Brings an account to its declared baseline and keeps it there"
  filename = "${path.module}/../../dist/account-baseline.zip"
  source_code_hash = filebase64sha256("${path.module}/../../dist/account-baseline.zip")
  role = aws_iam_role.account_baseline.arn
  runtime = "provided.al2023"
  handler = "bootstrap"
  architectures = [var.architecture]
  memory_size = 512
  timeout = 600
  ephemeral_storage {
    size = 512
  }
  environment {
    variables = {
      FORESTER_CONFIG = var.config_uri
      FORESTER_TABLE = aws_dynamodb_table.state_table.name
      FORESTER_BUCKET = aws_s3_bucket.receipts_bucket.id
      FORESTER_TIMERS = aws_sqs_queue.alarm_queue.url
      FORESTER_OUTBOX = aws_sqs_queue.outbox_queue.url
      FORESTER_QUEUE = aws_sqs_queue.baseline_queue.url
    }
  }
  depends_on = [aws_cloudwatch_log_group.account_baseline_logs]
}

resource "aws_lambda_event_source_mapping" "account_baseline" {
  event_source_arn = aws_sqs_queue.baseline_queue.arn
  function_name = aws_lambda_function.account_baseline.arn
  batch_size = 1
  function_response_types = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = 10
  }
  depends_on = [aws_iam_role_policy_attachment.account_baseline]
}

resource "aws_cloudwatch_log_group" "sandbox_reset_logs" {
  name = "/aws/lambda/${var.name}-sandbox-reset"
  retention_in_days = var.log_days
}

resource "aws_iam_role" "sandbox_reset" {
  name_prefix = "${var.name}-SandboxReset-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "sandbox_reset" {
  role = aws_iam_role.sandbox_reset.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "KeepReceipts"
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:PutObject"]
        Resource = "${aws_s3_bucket.receipts_bucket.arn}/*"
      },
      {
        Sid = "KeepPeopleOut"
        Effect = "Allow"
        Action = [
          "organizations:AttachPolicy",
          "organizations:CreatePolicy",
          "organizations:DetachPolicy",
          "organizations:ListPolicies",
        ]
        Resource = "*"
      },
      {
        Sid = "CloseAndCreate"
        Effect = "Allow"
        Action = [
          "organizations:CloseAccount",
          "organizations:CreateAccount",
          "organizations:DescribeCreateAccountStatus",
          "organizations:ListCreateAccountStatus",
        ]
        Resource = "*"
      },
      {
        Sid = "ChangeOwnPolicies"
        Effect = "Allow"
        Action = ["organizations:DeletePolicy", "organizations:UpdatePolicy"]
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/forester" = "reset"
          }
        }
      },
      {
        Sid = "AskWhatItCost"
        Effect = "Allow"
        Action = "ce:GetCostAndUsage"
        Resource = "*"
      },
      {
        Sid = "AskWhatIsInUse"
        Effect = "Allow"
        Action = [
          "iam:GenerateOrganizationsAccessReport",
          "iam:GetOrganizationsAccessReport",
          "organizations:DescribePolicy",
          "organizations:ListChildren",
          "organizations:ListPoliciesForTarget",
          "organizations:ListTargetsForPolicy",
        ]
        Resource = "*"
      },
      {
        Sid = "Unlock"
        Effect = "Allow"
        Action = "sts:AssumeRoot"
        Resource = "arn:${data.aws_partition.current.partition}:iam::*:root"
        Condition = {
          ArnEquals = {
            "sts:TaskPolicyArn" = [
              "arn:${data.aws_partition.current.partition}:iam::aws:policy/root-task/S3UnlockBucketPolicy",
              "arn:${data.aws_partition.current.partition}:iam::aws:policy/root-task/SQSUnlockQueuePolicy",
            ]
          }
        }
      },
      {
        Sid = "ReadKillSwitch"
        Effect = "Allow"
        Action = "ssm:GetParameter"
        Resource = "arn:${data.aws_partition.current.partition}:ssm:*:${data.aws_caller_identity.current.account_id}:parameter/forester/*"
      },
      {
        Effect = "Allow"
        Action = "sqs:SendMessage"
        Resource = aws_sqs_queue.dead_letters.arn
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "sandbox_reset" {
  count = 4
  role = aws_iam_role.sandbox_reset.name
  policy_arn = [
    aws_iam_policy.base_access.arn,
    aws_iam_policy.organization_access.arn,
    aws_iam_policy.member_access.arn,
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
  ][count.index]
}

resource "aws_lambda_function" "sandbox_reset" {
  function_name = "${var.name}-sandbox-reset"
  description = "Empties a sandbox account slice by slice, proves that it is empty, and applies its baseline"
  filename = "${path.module}/../../dist/sandbox-reset.zip"
  source_code_hash = filebase64sha256("${path.module}/../../dist/sandbox-reset.zip")
  role = aws_iam_role.sandbox_reset.arn
  runtime = "provided.al2023"
  handler = "bootstrap"
  architectures = [var.architecture]
  memory_size = 512
  timeout = 600
  ephemeral_storage {
    size = 512
  }
  environment {
    variables = {
      FORESTER_CONFIG = var.config_uri
      FORESTER_TABLE = aws_dynamodb_table.state_table.name
      FORESTER_BUCKET = aws_s3_bucket.receipts_bucket.id
      FORESTER_TIMERS = aws_sqs_queue.alarm_queue.url
      FORESTER_OUTBOX = aws_sqs_queue.outbox_queue.url
    }
  }
  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }
  depends_on = [aws_cloudwatch_log_group.sandbox_reset_logs, aws_iam_role_policy.sandbox_reset]
}

resource "aws_iam_role" "reset_machine" {
  name_prefix = "${var.name}-ResetMachine-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "states.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "reset_machine" {
  role = aws_iam_role.reset_machine.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "lambda:InvokeFunction"
        Resource = aws_lambda_function.sandbox_reset.arn
      },
      {
        Effect = "Allow"
        Action = "states:StartExecution"
        Resource = "arn:${data.aws_partition.current.partition}:states:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:stateMachine:${var.name}-sandbox-reset"
      },
      {
        Effect = "Allow"
        Action = ["states:DescribeExecution", "states:StopExecution"]
        Resource = "arn:${data.aws_partition.current.partition}:states:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:execution:${var.name}-sandbox-reset*"
      },
    ]
  })
}

resource "aws_sfn_state_machine" "reset_machine" {
  name = "${var.name}-sandbox-reset"
  role_arn = aws_iam_role.reset_machine.arn
  definition = templatefile("${path.module}/../statemachines/sandbox-reset.asl.json", { SandboxResetFunctionArn = aws_lambda_function.sandbox_reset.arn })
}

resource "aws_scheduler_schedule" "reset_timer" {
  name = "${var.name}-ResetTimer"
  description = "When sandboxes are due"
  schedule_expression = var.reset_schedule
  schedule_expression_timezone = var.reset_timezone
  state = var.reset_state
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn = aws_sfn_state_machine.reset_machine.arn
    role_arn = aws_iam_role.scheduler_role.arn
    input = "{\"action\":\"due\"}"
    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_scheduler_schedule" "notice_timer" {
  name = "${var.name}-NoticeTimer"
  description = "When owners are told of resets that come; a notice that could not go goes the next time"
  schedule_expression = var.notice_schedule
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn = aws_lambda_function.sandbox_reset.arn
    role_arn = aws_iam_role.scheduler_role.arn
    input = "{\"action\":\"notices\"}"
    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_scheduler_schedule" "heartbeat_timer" {
  name = "${var.name}-HeartbeatTimer"
  description = "A beat through the whole path of alerts, which an alarm misses when it stays away"
  schedule_expression = "rate(15 minutes)"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn = aws_sqs_queue.alarm_queue.arn
    role_arn = aws_iam_role.scheduler_role.arn
    input = "{\"source\":\"forester\",\"detail-type\":\"Forester Heartbeat\",\"id\":\"<aws.scheduler.execution-id>\",\"time\":\"<aws.scheduler.scheduled-time>\"}"
    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_scheduler_schedule" "watch_timer" {
  name = "${var.name}-WatchTimer"
  description = "Deliveries that take too long are told to somebody else, and what came to no end is counted"
  schedule_expression = "rate(1 minute)"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn = aws_lambda_function.alert_delivery.arn
    role_arn = aws_iam_role.scheduler_role.arn
    input = "{\"action\":\"watch\"}"
    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_scheduler_schedule" "ladder_timer" {
  name = "${var.name}-LadderTimer"
  description = "Sandboxes that were frozen for a budget's period are let go when it is over"
  schedule_expression = "rate(1 hour)"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn = aws_lambda_function.budget_router.arn
    role_arn = aws_iam_role.scheduler_role.arn
    input = "{\"action\":\"ladder\"}"
    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_iam_role" "scheduler_role" {
  name_prefix = "${var.name}-SchedulerRole-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "scheduler.amazonaws.com"
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "scheduler_role" {
  role = aws_iam_role.scheduler_role.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "states:StartExecution"
        Resource = aws_sfn_state_machine.reset_machine.arn
      },
      {
        Effect = "Allow"
        Action = "sqs:SendMessage"
        Resource = [aws_sqs_queue.baseline_queue.arn, aws_sqs_queue.alarm_queue.arn, aws_sqs_queue.dead_letters.arn]
      },
      {
        Effect = "Allow"
        Action = "lambda:InvokeFunction"
        Resource = [
          aws_lambda_function.sandbox_reset.arn,
          aws_lambda_function.alert_delivery.arn,
          aws_lambda_function.budget_router.arn,
        ]
      },
    ]
  })
}

resource "aws_kms_key" "topic_key" {
  description = "What is published to Forester's topics"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "IamDecides"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"
        }
        Action = "kms:*"
        Resource = "*"
      },
      {
        Sid = "ServicesOfThisAccountPublish"
        Effect = "Allow"
        Principal = {
          Service = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "costalerts.amazonaws.com"]
        }
        Action = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })
}

resource "aws_sns_topic" "budget_topic" {
  name = "forester-budgets"
  kms_master_key_id = aws_kms_key.topic_key.arn
}

resource "aws_sns_topic_policy" "budget_topic_policy" {
  arn = aws_sns_topic.budget_topic.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = ["budgets.amazonaws.com", "costalerts.amazonaws.com"]
        }
        Action = "sns:Publish"
        Resource = aws_sns_topic.budget_topic.arn
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })
}

resource "aws_sqs_queue" "budget_queue" {
  name = "${var.name}-BudgetQueue"
  visibility_timeout_seconds = 360
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount = 5
  })
}

resource "aws_sqs_queue_policy" "budget_queue_policy" {
  queue_url = aws_sqs_queue.budget_queue.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
        {
          Effect = "Allow"
          Principal = {
            Service = "events.amazonaws.com"
          }
          Action = "sqs:SendMessage"
          Resource = aws_sqs_queue.budget_queue.arn
          Condition = {
            ArnEquals = {
              "aws:SourceArn" = aws_cloudwatch_event_rule.anomaly_rule.arn
            }
          }
        },
        {
          Effect = "Allow"
          Principal = {
            Service = "sns.amazonaws.com"
          }
          Action = "sqs:SendMessage"
          Resource = aws_sqs_queue.budget_queue.arn
          Condition = {
            ArnEquals = {
              "aws:SourceArn" = aws_sns_topic.budget_topic.arn
            }
          }
        },
      ], [for one in [{
        Effect = "Allow"
        Principal = {
          Service = "sns.amazonaws.com"
        }
        Action = "sqs:SendMessage"
        Resource = aws_sqs_queue.budget_queue.arn
        Condition = {
          StringEquals = {
            "aws:SourceOrgID" = var.organization_id
          }
          ArnLike = {
            "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:sns:*:*:forester-budgets"
          }
        }
      }] : one if local.has_forwarders])
  })
}

resource "aws_cloudwatch_event_rule" "anomaly_rule" {
  name = "${var.name}-AnomalyRule"
  description = "Cost anomalies, from subscriptions that tell of each at once"
  event_pattern = jsonencode({
    source = ["aws.ce"]
    detail-type = ["Anomaly Detected"]
  })
}

resource "aws_cloudwatch_event_target" "anomaly_rule" {
  rule = aws_cloudwatch_event_rule.anomaly_rule.name
  target_id = "budgets"
  arn = aws_sqs_queue.budget_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_sns_topic_subscription" "budget_subscription" {
  topic_arn = aws_sns_topic.budget_topic.arn
  protocol = "sqs"
  endpoint = aws_sqs_queue.budget_queue.arn
}

resource "aws_cloudwatch_log_group" "budget_router_logs" {
  name = "/aws/lambda/${var.name}-budget-router"
  retention_in_days = var.log_days
}

resource "aws_iam_role" "budget_router" {
  name_prefix = "${var.name}-BudgetRouter-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "budget_router" {
  role = aws_iam_role.budget_router.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "AskBudgets"
        Effect = "Allow"
        Action = "budgets:ViewBudget"
        Resource = "*"
      },
      {
        Sid = "FreezeSandboxes"
        Effect = "Allow"
        Action = [
          "organizations:AttachPolicy",
          "organizations:CreatePolicy",
          "organizations:DetachPolicy",
          "organizations:ListPolicies",
        ]
        Resource = "*"
      },
      {
        Sid = "TagPolicies"
        Effect = "Allow"
        Action = "organizations:TagResource"
        Resource = "arn:${data.aws_partition.current.partition}:organizations::*:policy/*"
      },
      {
        Sid = "ChangeOwnPolicies"
        Effect = "Allow"
        Action = ["organizations:DeletePolicy", "organizations:UpdatePolicy"]
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/forester" = "reset"
          }
        }
      },
      {
        Sid = "StartResets"
        Effect = "Allow"
        Action = "states:StartExecution"
        Resource = aws_sfn_state_machine.reset_machine.arn
      },
      {
        Sid = "ReadKillSwitch"
        Effect = "Allow"
        Action = "ssm:GetParameter"
        Resource = "arn:${data.aws_partition.current.partition}:ssm:*:${data.aws_caller_identity.current.account_id}:parameter/forester/*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "budget_router" {
  count = 4
  role = aws_iam_role.budget_router.name
  policy_arn = [
    aws_iam_policy.base_access.arn,
    aws_iam_policy.organization_access.arn,
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
  ][count.index]
}

resource "aws_lambda_function" "budget_router" {
  function_name = "${var.name}-budget-router"
  description = "Reads, confirms, enriches and routes budget notifications"
  filename = "${path.module}/../../dist/budget-router.zip"
  source_code_hash = filebase64sha256("${path.module}/../../dist/budget-router.zip")
  role = aws_iam_role.budget_router.arn
  runtime = "provided.al2023"
  handler = "bootstrap"
  architectures = [var.architecture]
  memory_size = 256
  timeout = 60
  reserved_concurrent_executions = local.reserves_for_alerts ? var.reserved_for_alerts : null
  ephemeral_storage {
    size = 512
  }
  environment {
    variables = {
      FORESTER_CONFIG = var.config_uri
      FORESTER_TABLE = aws_dynamodb_table.state_table.name
      FORESTER_BUCKET = aws_s3_bucket.receipts_bucket.id
      FORESTER_TIMERS = aws_sqs_queue.alarm_queue.url
      FORESTER_OUTBOX = aws_sqs_queue.outbox_queue.url
      FORESTER_RESET_MACHINE = aws_sfn_state_machine.reset_machine.arn
    }
  }
  depends_on = [aws_cloudwatch_log_group.budget_router_logs]
}

resource "aws_lambda_event_source_mapping" "budget_router" {
  event_source_arn = aws_sqs_queue.budget_queue.arn
  function_name = aws_lambda_function.budget_router.arn
  batch_size = 10
  function_response_types = ["ReportBatchItemFailures"]
  depends_on = [aws_iam_role_policy_attachment.budget_router]
}

resource "aws_sqs_queue" "alarm_queue" {
  name = "${var.name}-AlarmQueue"
  visibility_timeout_seconds = 720
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount = 5
  })
}

resource "aws_sqs_queue_policy" "alarm_queue_policy" {
  queue_url = aws_sqs_queue.alarm_queue.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "events.amazonaws.com"
        }
        Action = "sqs:SendMessage"
        Resource = aws_sqs_queue.alarm_queue.arn
        Condition = {
          ArnEquals = {
            "aws:SourceArn" = [
              aws_cloudwatch_event_rule.alarm_rule.arn,
              aws_cloudwatch_event_rule.root_rule.arn,
              aws_cloudwatch_event_rule.sign_in_rule.arn,
              aws_cloudwatch_event_rule.blind_rule.arn,
              aws_cloudwatch_event_rule.tamper_rule.arn,
              aws_cloudwatch_event_rule.cost_rule.arn,
              aws_cloudwatch_event_rule.instance_rule.arn,
            ]
          }
        }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "alarm_rule" {
  name = "${var.name}-AlarmRule"
  description = "Alarms of this account, and of accounts that forward them here"
  event_pattern = jsonencode({
    source = ["aws.cloudwatch"]
    detail-type = [
      "CloudWatch Alarm State Change",
      "CloudWatch Alarm Contributor State Change",
      "CloudWatch Alarm Configuration Change",
    ]
  })
}

resource "aws_cloudwatch_event_target" "alarm_rule" {
  rule = aws_cloudwatch_event_rule.alarm_rule.name
  target_id = "fanout"
  arn = aws_sqs_queue.alarm_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_cloudwatch_event_rule" "root_rule" {
  name = "${var.name}-RootRule"
  description = "Whatever the root user does itself"
  event_pattern = jsonencode({
    source = [
      {
        prefix = "aws."
      },
    ]
    detail-type = [
      "AWS API Call via CloudTrail",
      {
        prefix = "AWS Console Sign"
      },
      "AWS Console Action via CloudTrail",
    ]
    detail = {
      userIdentity = {
        type = ["Root"]
        invokedBy = [
          {
            exists = false
          },
        ]
      }
    }
  })
}

resource "aws_cloudwatch_event_target" "root_rule" {
  rule = aws_cloudwatch_event_rule.root_rule.name
  target_id = "fanout"
  arn = aws_sqs_queue.alarm_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_cloudwatch_event_rule" "sign_in_rule" {
  name = "${var.name}-SignInRule"
  description = "IAM users who sign in without a second factor"
  event_pattern = jsonencode({
    source = ["aws.signin"]
    detail-type = [
      {
        prefix = "AWS Console Sign"
      },
    ]
    detail = {
      eventName = ["ConsoleLogin"]
      userIdentity = {
        type = ["IAMUser"]
      }
      additionalEventData = {
        MFAUsed = ["No"]
      }
      responseElements = {
        ConsoleLogin = ["Success"]
      }
    }
  })
}

resource "aws_cloudwatch_event_target" "sign_in_rule" {
  rule = aws_cloudwatch_event_rule.sign_in_rule.name
  target_id = "fanout"
  arn = aws_sqs_queue.alarm_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_cloudwatch_event_rule" "blind_rule" {
  name = "${var.name}-BlindRule"
  description = "Calls that blind trails, filters, alarms, rules or topics"
  event_pattern = jsonencode({
    source = [
      {
        prefix = "aws."
      },
    ]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      "$or" = [
        {
          eventSource = ["cloudtrail.amazonaws.com", "logs.amazonaws.com", "monitoring.amazonaws.com"]
          eventName = [
            "DeleteEventDataStore",
            "DeleteMetricFilter",
            "DeleteTrail",
            "PutAlarmMuteRule",
            "PutEventSelectors",
            "PutInsightSelectors",
            "PutMetricFilter",
            "StopEventDataStoreIngestion",
            "StopLogging",
            "UpdateTrail",
          ]
        },
        {
          eventSource = ["monitoring.amazonaws.com"]
          eventName = ["DeleteAlarms", "DisableAlarmActions"]
          requestParameters = {
            alarmNames = [
              {
                wildcard = "*CIS*"
              },
              {
                wildcard = "*orester*"
              },
              {
                wildcard = "*ecurity*"
              },
            ]
          }
        },
        {
          eventSource = ["monitoring.amazonaws.com"]
          eventName = ["SetAlarmState"]
          requestParameters = {
            alarmName = [
              {
                wildcard = "*CIS*"
              },
              {
                wildcard = "*orester*"
              },
              {
                wildcard = "*ecurity*"
              },
            ]
          }
        },
        {
          eventSource = ["logs.amazonaws.com"]
          eventName = ["DeleteLogGroup", "DeleteLogStream", "DeleteSubscriptionFilter", "PutRetentionPolicy"]
          requestParameters = {
            logGroupName = [
              {
                wildcard = "*loudTrail*"
              },
              {
                wildcard = "*loudtrail*"
              },
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["events.amazonaws.com"]
          eventName = ["DeleteEventBus", "DeleteRule", "DisableRule"]
          requestParameters = {
            name = [
              {
                wildcard = "*orester*"
              },
              {
                wildcard = "*ecurity*"
              },
            ]
          }
        },
        {
          eventSource = ["events.amazonaws.com"]
          eventName = ["RemoveTargets"]
          requestParameters = {
            rule = [
              {
                wildcard = "*orester*"
              },
              {
                wildcard = "*ecurity*"
              },
            ]
          }
        },
        {
          eventSource = ["sns.amazonaws.com"]
          eventName = ["DeleteTopic", "RemovePermission", "SetTopicAttributes"]
          requestParameters = {
            topicArn = [
              {
                wildcard = "*CIS*"
              },
              {
                wildcard = "*orester*"
              },
              {
                wildcard = "*ecurity*"
              },
            ]
          }
        },
        {
          eventSource = ["sns.amazonaws.com"]
          eventName = ["SetSubscriptionAttributes", "Unsubscribe"]
          requestParameters = {
            subscriptionArn = [
              {
                wildcard = "*CIS*"
              },
              {
                wildcard = "*orester*"
              },
              {
                wildcard = "*ecurity*"
              },
            ]
          }
        },
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "blind_rule" {
  rule = aws_cloudwatch_event_rule.blind_rule.name
  target_id = "fanout"
  arn = aws_sqs_queue.alarm_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_cloudwatch_event_rule" "tamper_rule" {
  name = "${var.name}-TamperRule"
  description = "Calls that change or stop parts of Forester"
  event_pattern = jsonencode({
    source = [
      {
        prefix = "aws."
      },
    ]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      "$or" = [
        {
          eventSource = ["events.amazonaws.com"]
          eventName = ["PutRule"]
          requestParameters = {
            name = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["events.amazonaws.com"]
          eventName = ["PutTargets"]
          requestParameters = {
            rule = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["scheduler.amazonaws.com"]
          eventName = ["DeleteSchedule", "UpdateSchedule"]
          requestParameters = {
            name = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["states.amazonaws.com"]
          eventName = ["DeleteStateMachine", "UpdateStateMachine"]
          requestParameters = {
            stateMachineArn = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["lambda.amazonaws.com"]
          eventName = [
            {
              prefix = "DeleteFunction2"
            },
            {
              prefix = "PutFunctionConcurrency"
            },
            {
              prefix = "RemovePermission"
            },
            {
              prefix = "UpdateFunctionCode"
            },
            {
              prefix = "UpdateFunctionConfiguration"
            },
          ]
          requestParameters = {
            functionName = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["lambda.amazonaws.com"]
          eventName = [
            {
              prefix = "DeleteEventSourceMapping"
            },
            {
              prefix = "UpdateEventSourceMapping"
            },
          ]
          responseElements = {
            functionArn = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["sqs.amazonaws.com"]
          eventName = ["DeleteQueue", "PurgeQueue", "SetQueueAttributes"]
          requestParameters = {
            queueUrl = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["dynamodb.amazonaws.com"]
          eventName = ["DeleteTable"]
          requestParameters = {
            tableName = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["secretsmanager.amazonaws.com"]
          eventName = ["DeleteSecret", "PutResourcePolicy", "PutSecretValue", "UpdateSecret"]
          requestParameters = {
            secretId = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["ssm.amazonaws.com"]
          eventName = ["DeleteParameter"]
          requestParameters = {
            name = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
        {
          eventSource = ["ssm.amazonaws.com"]
          eventName = ["DeleteParameters"]
          requestParameters = {
            names = [
              {
                wildcard = "*orester*"
              },
            ]
          }
        },
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "tamper_rule" {
  rule = aws_cloudwatch_event_rule.tamper_rule.name
  target_id = "fanout"
  arn = aws_sqs_queue.alarm_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_cloudwatch_event_rule" "cost_rule" {
  name = "${var.name}-CostRule"
  description = "Commitments, capacity that is paid whether used or not, clusters, and regions that are opened"
  event_pattern = jsonencode({
    source = [
      {
        prefix = "aws."
      },
    ]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      errorCode = [
        {
          exists = false
        },
      ]
      eventSource = [
        "account.amazonaws.com",
        "acm-pca.amazonaws.com",
        "aoss.amazonaws.com",
        "bedrock.amazonaws.com",
        "cloudhsm.amazonaws.com",
        "directconnect.amazonaws.com",
        "ec2.amazonaws.com",
        "elasticache.amazonaws.com",
        "elasticmapreduce.amazonaws.com",
        "es.amazonaws.com",
        "fsx.amazonaws.com",
        "kafka.amazonaws.com",
        "kendra.amazonaws.com",
        "mediaconnect.amazonaws.com",
        "medialive.amazonaws.com",
        "memorydb.amazonaws.com",
        "network-firewall.amazonaws.com",
        "outposts.amazonaws.com",
        "rds.amazonaws.com",
        "redshift-serverless.amazonaws.com",
        "redshift.amazonaws.com",
        "route53domains.amazonaws.com",
        "sagemaker.amazonaws.com",
        "savingsplans.amazonaws.com",
        "shield.amazonaws.com",
        "snowball.amazonaws.com",
      ]
      eventName = [
        "AllocateHosts",
        "CreateCapacityReservation",
        "CreateCertificateAuthority",
        {
          prefix = "CreateCluster"
        },
        "CreateCollection",
        "CreateConnection",
        {
          prefix = "CreateDomain"
        },
        "CreateElasticsearchDomain",
        "CreateEndpoint",
        "CreateEndpointConfig",
        "CreateFileSystem",
        "CreateFirewall",
        "CreateHsm",
        "CreateIndex",
        "CreateJob",
        "CreateNotebookInstance",
        "CreateOrder",
        "CreateProvisionedModelThroughput",
        "CreateReservation",
        "CreateSavingsPlan",
        "CreateSubscription",
        "CreateTrainingJob",
        "CreateTrainingPlan",
        "CreateWorkgroup",
        "EnableRegion",
        {
          prefix = "Purchase"
        },
        "RegisterDomain",
        "RunJobFlow",
        "TransferDomain",
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "cost_rule" {
  rule = aws_cloudwatch_event_rule.cost_rule.name
  target_id = "fanout"
  arn = aws_sqs_queue.alarm_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_cloudwatch_event_rule" "instance_rule" {
  name = "${var.name}-InstanceRule"
  description = "Instances with accelerators, and very large ones"
  event_pattern = jsonencode({
    source = ["aws.ec2"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      errorCode = [
        {
          exists = false
        },
      ]
      "$or" = [
        {
          eventName = ["RunInstances"]
          requestParameters = {
            instanceType = [
              {
                prefix = "dl"
              },
              {
                prefix = "f1"
              },
              {
                prefix = "f2"
              },
              {
                prefix = "g"
              },
              {
                prefix = "hpc"
              },
              {
                prefix = "inf"
              },
              {
                prefix = "mac"
              },
              {
                prefix = "p"
              },
              {
                prefix = "trn"
              },
              {
                prefix = "u"
              },
              {
                prefix = "vt"
              },
              {
                suffix = ".16xlarge"
              },
              {
                suffix = ".18xlarge"
              },
              {
                suffix = ".24xlarge"
              },
              {
                suffix = ".32xlarge"
              },
              {
                suffix = ".48xlarge"
              },
              {
                suffix = ".56xlarge"
              },
              {
                suffix = ".96xlarge"
              },
              {
                wildcard = "*.metal*"
              },
            ]
          }
        },
        {
          eventName = ["ModifyInstanceAttribute"]
          requestParameters = {
            instanceType = {
              value = [
                {
                  prefix = "dl"
                },
                {
                  prefix = "f1"
                },
                {
                  prefix = "f2"
                },
                {
                  prefix = "g"
                },
                {
                  prefix = "hpc"
                },
                {
                  prefix = "inf"
                },
                {
                  prefix = "mac"
                },
                {
                  prefix = "p"
                },
                {
                  prefix = "trn"
                },
                {
                  prefix = "u"
                },
                {
                  prefix = "vt"
                },
                {
                  suffix = ".16xlarge"
                },
                {
                  suffix = ".18xlarge"
                },
                {
                  suffix = ".24xlarge"
                },
                {
                  suffix = ".32xlarge"
                },
                {
                  suffix = ".48xlarge"
                },
                {
                  suffix = ".56xlarge"
                },
                {
                  suffix = ".96xlarge"
                },
                {
                  wildcard = "*.metal*"
                },
              ]
            }
          }
        },
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "instance_rule" {
  rule = aws_cloudwatch_event_rule.instance_rule.name
  target_id = "fanout"
  arn = aws_sqs_queue.alarm_queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_cloudwatch_log_group" "alarm_fanout_logs" {
  name = "/aws/lambda/${var.name}-alarm-fanout"
  retention_in_days = var.log_days
}

resource "aws_scheduler_schedule" "alert_sweep" {
  name = "${var.name}-AlertSweep"
  description = "Looks each minute what alerts must do now"
  schedule_expression = "rate(1 minute)"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn = aws_sqs_queue.alarm_queue.arn
    role_arn = aws_iam_role.scheduler_role.arn
    input = "{\"forester\":\"sweep\"}"
    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_iam_role" "alarm_fanout" {
  name_prefix = "${var.name}-AlarmFanout-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "alarm_fanout" {
  role = aws_iam_role.alarm_fanout.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "LookBehindAlarms"
        Effect = "Allow"
        Action = ["cloudwatch:DescribeAlarms", "logs:DescribeMetricFilters", "logs:FilterLogEvents"]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "alarm_fanout" {
  count = 4
  role = aws_iam_role.alarm_fanout.name
  policy_arn = [
    aws_iam_policy.base_access.arn,
    aws_iam_policy.organization_access.arn,
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
  ][count.index]
}

resource "aws_lambda_function" "alarm_fanout" {
  function_name = "${var.name}-alarm-fanout"
  description = "Finds the CloudTrail events behind an alarm and fans them out to the people concerned"
  filename = "${path.module}/../../dist/alarm-fanout.zip"
  source_code_hash = filebase64sha256("${path.module}/../../dist/alarm-fanout.zip")
  role = aws_iam_role.alarm_fanout.arn
  runtime = "provided.al2023"
  handler = "bootstrap"
  architectures = [var.architecture]
  memory_size = 256
  timeout = 120
  reserved_concurrent_executions = local.reserves_for_alerts ? var.reserved_for_alerts : null
  ephemeral_storage {
    size = 512
  }
  environment {
    variables = {
      FORESTER_CONFIG = var.config_uri
      FORESTER_TABLE = aws_dynamodb_table.state_table.name
      FORESTER_BUCKET = aws_s3_bucket.receipts_bucket.id
      FORESTER_TIMERS = aws_sqs_queue.alarm_queue.url
      FORESTER_OUTBOX = aws_sqs_queue.outbox_queue.url
    }
  }
  depends_on = [aws_cloudwatch_log_group.alarm_fanout_logs]
}

resource "aws_lambda_event_source_mapping" "alarm_fanout" {
  event_source_arn = aws_sqs_queue.alarm_queue.arn
  function_name = aws_lambda_function.alarm_fanout.arn
  batch_size = 10
  function_response_types = ["ReportBatchItemFailures"]
  depends_on = [aws_iam_role_policy_attachment.alarm_fanout]
}

resource "aws_sqs_queue" "outbox_queue" {
  name = "${var.name}-OutboxQueue.fifo"
  fifo_queue = true
  deduplication_scope = "messageGroup"
  fifo_throughput_limit = "perMessageGroupId"
  visibility_timeout_seconds = 360
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_deliveries.arn
    maxReceiveCount = 100
  })
}

resource "aws_cloudwatch_log_group" "alert_delivery_logs" {
  name = "/aws/lambda/${var.name}-alert-delivery"
  retention_in_days = var.log_days
}

resource "aws_iam_role" "alert_delivery" {
  name_prefix = "${var.name}-AlertDelivery-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "alert_delivery" {
  role = aws_iam_role.alert_delivery.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "Publish"
        Effect = "Allow"
        Action = "sns:Publish"
        Resource = "arn:${data.aws_partition.current.partition}:sns:*:${data.aws_caller_identity.current.account_id}:*"
      },
      {
        Sid = "KeepTheOutbox"
        Effect = "Allow"
        Action = "sqs:ChangeMessageVisibility"
        Resource = aws_sqs_queue.outbox_queue.arn
      },
      {
        Sid = "ReadKeys"
        Effect = "Allow"
        Action = "secretsmanager:GetSecretValue"
        Resource = "arn:${data.aws_partition.current.partition}:secretsmanager:*:${data.aws_caller_identity.current.account_id}:secret:forester/*"
      },
      {
        Sid = "ReadKeysOfParameters"
        Effect = "Allow"
        Action = "ssm:GetParameter"
        Resource = "arn:${data.aws_partition.current.partition}:ssm:*:${data.aws_caller_identity.current.account_id}:parameter/forester/*"
      },
      {
        Sid = "SendMail"
        Effect = "Allow"
        Action = "ses:SendEmail"
        Resource = "arn:${data.aws_partition.current.partition}:ses:*:${data.aws_caller_identity.current.account_id}:*"
      },
      {
        Sid = "PutEvents"
        Effect = "Allow"
        Action = "events:PutEvents"
        Resource = "arn:${data.aws_partition.current.partition}:events:*:*:event-bus/*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "alert_delivery" {
  count = 3
  role = aws_iam_role.alert_delivery.name
  policy_arn = [
    aws_iam_policy.base_access.arn,
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
  ][count.index]
}

resource "aws_lambda_function" "alert_delivery" {
  function_name = "${var.name}-alert-delivery"
  description = "Takes deliveries from the outbox to their channels"
  filename = "${path.module}/../../dist/alert-delivery.zip"
  source_code_hash = filebase64sha256("${path.module}/../../dist/alert-delivery.zip")
  role = aws_iam_role.alert_delivery.arn
  runtime = "provided.al2023"
  handler = "bootstrap"
  architectures = [var.architecture]
  memory_size = 256
  timeout = 60
  reserved_concurrent_executions = local.reserves_for_alerts ? var.reserved_for_alerts : null
  ephemeral_storage {
    size = 512
  }
  environment {
    variables = {
      FORESTER_CONFIG = var.config_uri
      FORESTER_TABLE = aws_dynamodb_table.state_table.name
      FORESTER_BUCKET = aws_s3_bucket.receipts_bucket.id
      FORESTER_TIMERS = aws_sqs_queue.alarm_queue.url
      FORESTER_OUTBOX = aws_sqs_queue.outbox_queue.url
    }
  }
  depends_on = [aws_cloudwatch_log_group.alert_delivery_logs]
}

resource "aws_lambda_event_source_mapping" "alert_delivery" {
  event_source_arn = aws_sqs_queue.outbox_queue.arn
  function_name = aws_lambda_function.alert_delivery.arn
  batch_size = 1
  function_response_types = ["ReportBatchItemFailures"]
  depends_on = [aws_iam_role_policy_attachment.alert_delivery]
}

resource "aws_cloudwatch_log_group" "alert_actions_logs" {
  name = "/aws/lambda/${var.name}-alert-actions"
  retention_in_days = var.log_days
}

resource "aws_iam_role" "alert_actions" {
  name_prefix = "${var.name}-AlertActions-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "alert_actions" {
  role = aws_iam_role.alert_actions.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "ReadKeys"
        Effect = "Allow"
        Action = "secretsmanager:GetSecretValue"
        Resource = "arn:${data.aws_partition.current.partition}:secretsmanager:*:${data.aws_caller_identity.current.account_id}:secret:forester/*"
      },
      {
        Sid = "ReadKeysOfParameters"
        Effect = "Allow"
        Action = "ssm:GetParameter"
        Resource = "arn:${data.aws_partition.current.partition}:ssm:*:${data.aws_caller_identity.current.account_id}:parameter/forester/*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "alert_actions" {
  count = 2
  role = aws_iam_role.alert_actions.name
  policy_arn = [
    aws_iam_policy.base_access.arn,
    "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
  ][count.index]
}

resource "aws_lambda_function" "alert_actions" {
  function_name = "${var.name}-alert-actions"
  description = "Acknowledges matters for people, by a signed link or a button in a chat"
  filename = "${path.module}/../../dist/alert-actions.zip"
  source_code_hash = filebase64sha256("${path.module}/../../dist/alert-actions.zip")
  role = aws_iam_role.alert_actions.arn
  runtime = "provided.al2023"
  handler = "bootstrap"
  architectures = [var.architecture]
  memory_size = 256
  timeout = 10
  reserved_concurrent_executions = local.reserves_for_actions ? var.reserved_for_actions : null
  ephemeral_storage {
    size = 512
  }
  environment {
    variables = {
      FORESTER_CONFIG = var.config_uri
      FORESTER_TABLE = aws_dynamodb_table.state_table.name
      FORESTER_BUCKET = aws_s3_bucket.receipts_bucket.id
      FORESTER_TIMERS = aws_sqs_queue.alarm_queue.url
      FORESTER_OUTBOX = aws_sqs_queue.outbox_queue.url
    }
  }
  depends_on = [aws_cloudwatch_log_group.alert_actions_logs]
}

resource "aws_lambda_function_url" "alert_actions_url" {
  function_name = aws_lambda_function.alert_actions.function_name
  authorization_type = "NONE"
}

resource "aws_lambda_permission" "alert_actions_url_permission" {
  action = "lambda:InvokeFunctionUrl"
  function_name = aws_lambda_function.alert_actions.function_name
  principal = "*"
  function_url_auth_type = "NONE"
}

resource "aws_lambda_permission" "alert_actions_invoke_permission" {
  action = "lambda:InvokeFunction"
  function_name = aws_lambda_function.alert_actions.function_name
  principal = "*"
  invoked_via_function_url = true
}

resource "aws_sqs_queue" "dead_letters" {
  name = "${var.name}-DeadLetters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled = true
}

resource "aws_sqs_queue_policy" "dead_letters_policy" {
  queue_url = aws_sqs_queue.dead_letters.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "WhatARuleCannotHandOver"
        Effect = "Allow"
        Principal = {
          Service = "events.amazonaws.com"
        }
        Action = "sqs:SendMessage"
        Resource = aws_sqs_queue.dead_letters.arn
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.current.account_id
          }
          ArnLike = {
            "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:rule/${var.name}-*"
          }
        }
      },
    ]
  })
}

resource "aws_sqs_queue" "dead_deliveries" {
  name = "${var.name}-DeadDeliveries.fifo"
  fifo_queue = true
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled = true
}

resource "aws_cloudwatch_metric_alarm" "dead_letter_alarm" {
  alarm_name = "${var.name}-DeadLetterAlarm"
  alarm_description = "Forester could not handle a message. severity=high"
  namespace = "AWS/SQS"
  metric_name = "ApproximateNumberOfMessagesVisible"
  dimensions = {
    QueueName = aws_sqs_queue.dead_letters.name
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "dead_delivery_alarm" {
  alarm_name = "${var.name}-DeadDeliveryAlarm"
  alarm_description = "Forester could not hand a delivery to its channel. severity=high"
  namespace = "AWS/SQS"
  metric_name = "ApproximateNumberOfMessagesVisible"
  dimensions = {
    QueueName = aws_sqs_queue.dead_deliveries.name
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "dead_channel_alarm" {
  alarm_name = "${var.name}-DeadChannelAlarm"
  alarm_description = "A channel refused a delivery for good. severity=high"
  namespace = "Forester"
  metric_name = "Dead"
  dimensions = {
    service = "alert-delivery"
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "lost_alarm" {
  alarm_name = "${var.name}-LostAlarm"
  alarm_description = "A delivery came to no end, or nobody heard of it (forester alerts status). severity=critical"
  namespace = "Forester"
  metric_name = "Lost"
  dimensions = {
    service = "alert-delivery"
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "breaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "reset_alarm" {
  alarm_name = "${var.name}-ResetAlarm"
  alarm_description = "A sandbox reset failed. severity=high"
  namespace = "Forester"
  metric_name = "Failed"
  dimensions = {
    service = "sandbox-reset"
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "reset_stuck_alarm" {
  alarm_name = "${var.name}-ResetStuckAlarm"
  alarm_description = "A sandbox could not be emptied; its receipt says what is left. severity=high"
  namespace = "Forester"
  metric_name = "ResetStuck"
  dimensions = {
    service = "sandbox-reset"
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "reset_red_alarm" {
  alarm_name = "${var.name}-ResetRedAlarm"
  alarm_description = "A sandbox reset ended red; its receipt says why. severity=high"
  namespace = "Forester"
  metric_name = "ResetRed"
  dimensions = {
    service = "sandbox-reset"
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "account_baseline_errors_alarm" {
  alarm_name = "${var.name}-AccountBaselineErrorsAlarm"
  alarm_description = "account-baseline broke; what it worked on comes again. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Errors"
  dimensions = {
    FunctionName = aws_lambda_function.account_baseline.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "sandbox_reset_errors_alarm" {
  alarm_name = "${var.name}-SandboxResetErrorsAlarm"
  alarm_description = "sandbox-reset broke; what it worked on comes again. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Errors"
  dimensions = {
    FunctionName = aws_lambda_function.sandbox_reset.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "budget_router_errors_alarm" {
  alarm_name = "${var.name}-BudgetRouterErrorsAlarm"
  alarm_description = "budget-router broke; what it worked on comes again. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Errors"
  dimensions = {
    FunctionName = aws_lambda_function.budget_router.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "alarm_fanout_errors_alarm" {
  alarm_name = "${var.name}-AlarmFanoutErrorsAlarm"
  alarm_description = "alarm-fanout broke; what it worked on comes again. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Errors"
  dimensions = {
    FunctionName = aws_lambda_function.alarm_fanout.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "alert_delivery_errors_alarm" {
  alarm_name = "${var.name}-AlertDeliveryErrorsAlarm"
  alarm_description = "alert-delivery broke; what it worked on comes again. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Errors"
  dimensions = {
    FunctionName = aws_lambda_function.alert_delivery.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "alert_actions_errors_alarm" {
  alarm_name = "${var.name}-AlertActionsErrorsAlarm"
  alarm_description = "alert-actions broke; what it worked on comes again. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Errors"
  dimensions = {
    FunctionName = aws_lambda_function.alert_actions.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "account_baseline_throttles_alarm" {
  alarm_name = "${var.name}-AccountBaselineThrottlesAlarm"
  alarm_description = "account-baseline is refused for want of concurrency. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Throttles"
  dimensions = {
    FunctionName = aws_lambda_function.account_baseline.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "sandbox_reset_throttles_alarm" {
  alarm_name = "${var.name}-SandboxResetThrottlesAlarm"
  alarm_description = "sandbox-reset is refused for want of concurrency. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Throttles"
  dimensions = {
    FunctionName = aws_lambda_function.sandbox_reset.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "budget_router_throttles_alarm" {
  alarm_name = "${var.name}-BudgetRouterThrottlesAlarm"
  alarm_description = "budget-router is refused for want of concurrency. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Throttles"
  dimensions = {
    FunctionName = aws_lambda_function.budget_router.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "alarm_fanout_throttles_alarm" {
  alarm_name = "${var.name}-AlarmFanoutThrottlesAlarm"
  alarm_description = "alarm-fanout is refused for want of concurrency. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Throttles"
  dimensions = {
    FunctionName = aws_lambda_function.alarm_fanout.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "alert_delivery_throttles_alarm" {
  alarm_name = "${var.name}-AlertDeliveryThrottlesAlarm"
  alarm_description = "alert-delivery is refused for want of concurrency. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Throttles"
  dimensions = {
    FunctionName = aws_lambda_function.alert_delivery.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "alert_actions_throttles_alarm" {
  alarm_name = "${var.name}-AlertActionsThrottlesAlarm"
  alarm_description = "alert-actions is refused for want of concurrency. severity=medium"
  namespace = "AWS/Lambda"
  metric_name = "Throttles"
  dimensions = {
    FunctionName = aws_lambda_function.alert_actions.function_name
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "baseline_age_alarm" {
  alarm_name = "${var.name}-BaselineAgeAlarm"
  alarm_description = "A message about an account waits for longer than two tries take. severity=high"
  namespace = "AWS/SQS"
  metric_name = "ApproximateAgeOfOldestMessage"
  dimensions = {
    QueueName = aws_sqs_queue.baseline_queue.name
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 7200
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "budget_age_alarm" {
  alarm_name = "${var.name}-BudgetAgeAlarm"
  alarm_description = "A budget notification waits for longer than two tries take. severity=high"
  namespace = "AWS/SQS"
  metric_name = "ApproximateAgeOfOldestMessage"
  dimensions = {
    QueueName = aws_sqs_queue.budget_queue.name
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 720
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "alarm_age_alarm" {
  alarm_name = "${var.name}-AlarmAgeAlarm"
  alarm_description = "An alarm waits for longer than two tries take. severity=high"
  namespace = "AWS/SQS"
  metric_name = "ApproximateAgeOfOldestMessage"
  dimensions = {
    QueueName = aws_sqs_queue.alarm_queue.name
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 1440
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "outbox_age_alarm" {
  alarm_name = "${var.name}-OutboxAgeAlarm"
  alarm_description = "A delivery waits for longer than two tries take. severity=high"
  namespace = "AWS/SQS"
  metric_name = "ApproximateAgeOfOldestMessage"
  dimensions = {
    QueueName = aws_sqs_queue.outbox_queue.name
  }
  statistic = "Maximum"
  period = 300
  evaluation_periods = 1
  threshold = 720
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "heartbeat_alarm" {
  alarm_name = "${var.name}-HeartbeatAlarm"
  alarm_description = "No sweep was handled for three hours; Forester does not work. severity=critical"
  namespace = "Forester"
  metric_name = "Handled"
  dimensions = {
    service = "account-baseline"
  }
  statistic = "Sum"
  period = 3600
  evaluation_periods = 3
  threshold = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data = "breaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "alert_path_alarm" {
  alarm_name = "${var.name}-AlertPathAlarm"
  alarm_description = "No heartbeat came through the path of alerts for 45 minutes; nobody would hear of one. severity=critical"
  namespace = "Forester"
  metric_name = "Heartbeat"
  dimensions = {
    service = "alert-delivery"
  }
  statistic = "Sum"
  period = 900
  evaluation_periods = 3
  threshold = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data = "breaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "configuration_alarm" {
  alarm_name = "${var.name}-ConfigurationAlarm"
  alarm_description = "The file of Forester has a mistake and is not in force; resets wait. severity=high"
  namespace = "Forester"
  metric_name = "ConfigurationRefused"
  dimensions = {
    service = "configuration"
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "machine_alarm" {
  alarm_name = "${var.name}-MachineAlarm"
  alarm_description = "The state machine of resets broke, not a reset in it. severity=high"
  namespace = "AWS/States"
  metric_name = "ExecutionsFailed"
  dimensions = {
    StateMachineArn = aws_sfn_state_machine.reset_machine.arn
  }
  statistic = "Sum"
  period = 300
  evaluation_periods = 1
  threshold = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data = "notBreaching"
  alarm_actions = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_dashboard" "board" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    start = "-P7D"
    widgets = [
      {
        type = "alarm"
        x = 0
        y = 0
        width = 24
        height = 3
        properties = {
          title = "Is it healthy?"
          alarms = [
            "${aws_cloudwatch_metric_alarm.dead_letter_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.dead_delivery_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.dead_channel_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.lost_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.reset_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.reset_stuck_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.reset_red_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.account_baseline_errors_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.sandbox_reset_errors_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.budget_router_errors_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.alarm_fanout_errors_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.alert_delivery_errors_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.alert_actions_errors_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.account_baseline_throttles_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.sandbox_reset_throttles_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.budget_router_throttles_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.alarm_fanout_throttles_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.alert_delivery_throttles_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.alert_actions_throttles_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.baseline_age_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.budget_age_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.alarm_age_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.outbox_age_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.heartbeat_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.alert_path_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.configuration_alarm.arn}",
            "${aws_cloudwatch_metric_alarm.machine_alarm.arn}",
          ]
        }
      },
      {
        type = "metric"
        x = 0
        y = 3
        width = 12
        height = 4
        properties = {
          title = "What it did: messages handled"
          region = "${data.aws_region.current.region}"
          metrics = [
            [
              "Forester",
              "Handled",
              "service",
              "account-baseline",
              {
                label = "account-baseline"
              },
            ],
            [
              "Forester",
              "Handled",
              "service",
              "sandbox-reset",
              {
                label = "sandbox-reset"
              },
            ],
            [
              "Forester",
              "Handled",
              "service",
              "budget-router",
              {
                label = "budget-router"
              },
            ],
            [
              "Forester",
              "Handled",
              "service",
              "alarm-fanout",
              {
                label = "alarm-fanout"
              },
            ],
            [
              "Forester",
              "Handled",
              "service",
              "alert-delivery",
              {
                label = "alert-delivery"
              },
            ],
          ]
          view = "singleValue"
          stat = "Sum"
          period = 604800
          setPeriodToTimeRange = true
        }
      },
      {
        type = "metric"
        x = 12
        y = 3
        width = 12
        height = 4
        properties = {
          title = "What it could not do"
          region = "${data.aws_region.current.region}"
          metrics = [
            [
              "Forester",
              "Failed",
              "service",
              "account-baseline",
              {
                label = "account-baseline"
              },
            ],
            [
              "Forester",
              "Failed",
              "service",
              "sandbox-reset",
              {
                label = "sandbox-reset"
              },
            ],
            [
              "Forester",
              "Failed",
              "service",
              "budget-router",
              {
                label = "budget-router"
              },
            ],
            [
              "Forester",
              "Failed",
              "service",
              "alarm-fanout",
              {
                label = "alarm-fanout"
              },
            ],
            [
              "Forester",
              "Failed",
              "service",
              "alert-delivery",
              {
                label = "alert-delivery"
              },
            ],
          ]
          view = "singleValue"
          stat = "Sum"
          period = 604800
          setPeriodToTimeRange = true
        }
      },
      {
        type = "metric"
        x = 0
        y = 7
        width = 12
        height = 4
        properties = {
          title = "Resets by verdict"
          region = "${data.aws_region.current.region}"
          metrics = [
            [
              "Forester",
              "ResetGreen",
              "service",
              "sandbox-reset",
              {
                label = "green"
              },
            ],
            [
              "Forester",
              "ResetAmber",
              "service",
              "sandbox-reset",
              {
                label = "amber"
              },
            ],
            [
              "Forester",
              "ResetRed",
              "service",
              "sandbox-reset",
              {
                label = "red"
              },
            ],
            [
              "Forester",
              "ResetStuck",
              "service",
              "sandbox-reset",
              {
                label = "stuck"
              },
            ],
            [
              "Forester",
              "ResetRefused",
              "service",
              "sandbox-reset",
              {
                label = "refused"
              },
            ],
            [
              "Forester",
              "ResetPlanned",
              "service",
              "sandbox-reset",
              {
                label = "planned only"
              },
            ],
          ]
          view = "singleValue"
          stat = "Sum"
          period = 604800
          setPeriodToTimeRange = true
        }
      },
      {
        type = "metric"
        x = 12
        y = 7
        width = 12
        height = 4
        properties = {
          title = "Alerts"
          region = "${data.aws_region.current.region}"
          metrics = [
            [
              "Forester",
              "Alerts",
              "service",
              "alerts",
              {
                label = "alerts"
              },
            ],
            [
              "Forester",
              "Unread",
              "service",
              "alerts",
              {
                label = "not understood, delivered as they are"
              },
            ],
            [
              "Forester",
              "Suppressed",
              "service",
              "alerts",
              {
                label = "kept from people by a rule"
              },
            ],
            [
              "Forester",
              "Delivered",
              "service",
              "alert-delivery",
              {
                label = "delivered"
              },
            ],
            [
              "Forester",
              "Delayed",
              "service",
              "alert-delivery",
              {
                label = "tried again"
              },
            ],
            [
              "Forester",
              "Dead",
              "service",
              "alert-delivery",
              {
                label = "refused for good"
              },
            ],
          ]
          view = "singleValue"
          stat = "Sum"
          period = 604800
          setPeriodToTimeRange = true
        }
      },
      {
        type = "metric"
        x = 0
        y = 11
        width = 12
        height = 6
        properties = {
          title = "Oldest message, seconds"
          region = "${data.aws_region.current.region}"
          metrics = [
            [
              "AWS/SQS",
              "ApproximateAgeOfOldestMessage",
              "QueueName",
              "${aws_sqs_queue.baseline_queue.name}",
              {
                label = "baselines"
              },
            ],
            [
              "AWS/SQS",
              "ApproximateAgeOfOldestMessage",
              "QueueName",
              "${aws_sqs_queue.budget_queue.name}",
              {
                label = "budgets"
              },
            ],
            [
              "AWS/SQS",
              "ApproximateAgeOfOldestMessage",
              "QueueName",
              "${aws_sqs_queue.alarm_queue.name}",
              {
                label = "alarms"
              },
            ],
            [
              "AWS/SQS",
              "ApproximateAgeOfOldestMessage",
              "QueueName",
              "${aws_sqs_queue.outbox_queue.name}",
              {
                label = "deliveries"
              },
            ],
          ]
          view = "timeSeries"
          stat = "Maximum"
          period = 300
        }
      },
      {
        type = "metric"
        x = 12
        y = 11
        width = 12
        height = 6
        properties = {
          title = "Dead letters"
          region = "${data.aws_region.current.region}"
          metrics = [
            [
              "AWS/SQS",
              "ApproximateNumberOfMessagesVisible",
              "QueueName",
              "${aws_sqs_queue.dead_letters.name}",
              {
                label = "messages"
              },
            ],
            [
              "AWS/SQS",
              "ApproximateNumberOfMessagesVisible",
              "QueueName",
              "${aws_sqs_queue.dead_deliveries.name}",
              {
                label = "deliveries"
              },
            ],
          ]
          view = "timeSeries"
          stat = "Maximum"
          period = 300
        }
      },
      {
        type = "metric"
        x = 0
        y = 17
        width = 12
        height = 6
        properties = {
          title = "Duration, p90, ms"
          region = "${data.aws_region.current.region}"
          metrics = [
            [
              "AWS/Lambda",
              "Duration",
              "FunctionName",
              "${aws_lambda_function.account_baseline.function_name}",
            ],
            ["AWS/Lambda", "Duration", "FunctionName", "${aws_lambda_function.sandbox_reset.function_name}"],
            ["AWS/Lambda", "Duration", "FunctionName", "${aws_lambda_function.budget_router.function_name}"],
            ["AWS/Lambda", "Duration", "FunctionName", "${aws_lambda_function.alarm_fanout.function_name}"],
            ["AWS/Lambda", "Duration", "FunctionName", "${aws_lambda_function.alert_delivery.function_name}"],
            ["AWS/Lambda", "Duration", "FunctionName", "${aws_lambda_function.alert_actions.function_name}"],
          ]
          view = "timeSeries"
          stat = "p90"
          period = 3600
        }
      },
      {
        type = "metric"
        x = 12
        y = 17
        width = 12
        height = 6
        properties = {
          title = "Errors and throttles"
          region = "${data.aws_region.current.region}"
          metrics = [
            ["AWS/Lambda", "Errors", "FunctionName", "${aws_lambda_function.account_baseline.function_name}"],
            [
              "AWS/Lambda",
              "Throttles",
              "FunctionName",
              "${aws_lambda_function.account_baseline.function_name}",
            ],
            ["AWS/Lambda", "Errors", "FunctionName", "${aws_lambda_function.sandbox_reset.function_name}"],
            ["AWS/Lambda", "Throttles", "FunctionName", "${aws_lambda_function.sandbox_reset.function_name}"],
            ["AWS/Lambda", "Errors", "FunctionName", "${aws_lambda_function.budget_router.function_name}"],
            ["AWS/Lambda", "Throttles", "FunctionName", "${aws_lambda_function.budget_router.function_name}"],
            ["AWS/Lambda", "Errors", "FunctionName", "${aws_lambda_function.alarm_fanout.function_name}"],
            ["AWS/Lambda", "Throttles", "FunctionName", "${aws_lambda_function.alarm_fanout.function_name}"],
            ["AWS/Lambda", "Errors", "FunctionName", "${aws_lambda_function.alert_delivery.function_name}"],
            ["AWS/Lambda", "Throttles", "FunctionName", "${aws_lambda_function.alert_delivery.function_name}"],
            ["AWS/Lambda", "Errors", "FunctionName", "${aws_lambda_function.alert_actions.function_name}"],
            ["AWS/Lambda", "Throttles", "FunctionName", "${aws_lambda_function.alert_actions.function_name}"],
          ]
          view = "timeSeries"
          stat = "Sum"
          period = 3600
        }
      },
      {
        type = "metric"
        x = 0
        y = 23
        width = 12
        height = 6
        properties = {
          title = "Concurrency"
          region = "${data.aws_region.current.region}"
          metrics = [
            [
              "AWS/Lambda",
              "ConcurrentExecutions",
              "FunctionName",
              "${aws_lambda_function.account_baseline.function_name}",
            ],
            [
              "AWS/Lambda",
              "ConcurrentExecutions",
              "FunctionName",
              "${aws_lambda_function.sandbox_reset.function_name}",
            ],
            [
              "AWS/Lambda",
              "ConcurrentExecutions",
              "FunctionName",
              "${aws_lambda_function.budget_router.function_name}",
            ],
            [
              "AWS/Lambda",
              "ConcurrentExecutions",
              "FunctionName",
              "${aws_lambda_function.alarm_fanout.function_name}",
            ],
            [
              "AWS/Lambda",
              "ConcurrentExecutions",
              "FunctionName",
              "${aws_lambda_function.alert_delivery.function_name}",
            ],
            [
              "AWS/Lambda",
              "ConcurrentExecutions",
              "FunctionName",
              "${aws_lambda_function.alert_actions.function_name}",
            ],
          ]
          view = "timeSeries"
          stat = "Maximum"
          period = 300
        }
      },
      {
        type = "log"
        x = 12
        y = 23
        width = 12
        height = 6
        properties = {
          title = "The latest that failed"
          region = "${data.aws_region.current.region}"
          view = "table"
          query = "SOURCE '${aws_cloudwatch_log_group.account_baseline_logs.name}' | SOURCE '${aws_cloudwatch_log_group.sandbox_reset_logs.name}' | SOURCE '${aws_cloudwatch_log_group.budget_router_logs.name}' | SOURCE '${aws_cloudwatch_log_group.alarm_fanout_logs.name}' | SOURCE '${aws_cloudwatch_log_group.alert_delivery_logs.name}' | SOURCE '${aws_cloudwatch_log_group.alert_actions_logs.name}' | filter level = 'ERROR' or level = 'WARN' | sort @timestamp desc | limit 50 | display @timestamp, level, message"
        }
      },
    ]
  })
}

output "dashboard" {
  description = "Is it healthy, and what did it do this week"
  value = "https://${data.aws_region.current.region}.console.aws.amazon.com/cloudwatch/home?region=${data.aws_region.current.region}#dashboards:name=${aws_cloudwatch_dashboard.board.dashboard_name}"
}

output "function_roles" {
  description = "The roles that may enter members (TrustedRoles of member.yaml)"
  value = join(",", [
    aws_iam_role.account_baseline.arn,
    aws_iam_role.sandbox_reset.arn,
    aws_iam_role.budget_router.arn,
    aws_iam_role.alarm_fanout.arn,
  ])
}

output "bus_arn" {
  description = "Where forwarder.yaml and member.yaml forward to (HomeBus)"
  value = "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:event-bus/default"
}

output "budget_topic_arn" {
  description = "Set this topic as the SNS subscriber of the budgets in this account"
  value = aws_sns_topic.budget_topic.arn
}

output "budget_queue_arn" {
  description = "Where topics of members' budgets lead (BudgetQueueArn of member.yaml)"
  value = aws_sqs_queue.budget_queue.arn
}

output "receipts_bucket_name" {
  value = aws_s3_bucket.receipts_bucket.id
}

output "state_table_name" {
  value = aws_dynamodb_table.state_table.name
}

output "outbox_url" {
  value = aws_sqs_queue.outbox_queue.url
}

output "acknowledge_url" {
  description = "The URL of links in messages (alerts.acknowledge.url in forester.yaml)"
  value = aws_lambda_function_url.alert_actions_url.function_url
}

output "baseline_queue_url" {
  value = aws_sqs_queue.baseline_queue.url
}

output "dead_letters_url" {
  value = aws_sqs_queue.dead_letters.url
}

output "reset_machine_arn" {
  value = aws_sfn_state_machine.reset_machine.arn
}

output "reset_timer_name" {
  value = aws_scheduler_schedule.reset_timer.name
}

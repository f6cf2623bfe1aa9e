//! Roles by which a pipeline in another account deploys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a pipeline in another account needs here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployRoles {
    /// The account that the pipeline is in, by name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// Which of the roles. Default: `CodePipelineDeploy` and `CloudFormationExec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<DeployRole>>,
    /// What stacks may be made of: the managed policies of `CloudFormationExec`, as of any role. Default:
    /// `PowerUserAccess`, which makes no IAM roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_policies: Option<Vec<String>>,
    /// What builds in the account may do beyond logs and artifacts: the managed policies of `CodeBuildExec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_policies: Option<Vec<String>>,
    /// The permissions boundary of the roles, as of any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
    /// The bucket of the pipeline's artifacts: in the pipeline's account, in the home region. The roles are let in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The key that encrypts them, by alias (`alias/artifacts`) or ARN: in the pipeline's account, in the home region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Drops what earlier layers declared; roles that exist stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// A role of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DeployRole {
    /// The pipeline's account assumes it to start stacks, change sets and builds.
    CodePipelineDeploy,
    /// CodeBuild runs builds in the account as it.
    CodeBuildExec,
    /// CloudFormation makes what stacks hold as it.
    CloudFormationExec,
}

impl DeployRole {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CodePipelineDeploy, Self::CodeBuildExec, Self::CloudFormationExec];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CodePipelineDeploy => "CodePipelineDeploy",
            Self::CodeBuildExec => "CodeBuildExec",
            Self::CloudFormationExec => "CloudFormationExec",
        }
    }
}

impl DeployRoles {
    /// Which of the roles.
    pub fn which(&self) -> Vec<DeployRole> {
        self.roles.clone().unwrap_or_else(|| vec![DeployRole::CodePipelineDeploy, DeployRole::CloudFormationExec])
    }
}

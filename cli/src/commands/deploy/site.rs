//! Where Forester is to stand: the account and region of the credentials, and the organization around it.

use forester::Forester;
use forester::aws::Scope;
use forester::config::{Config, OperatingMode};
use forester::org::Forest;
use forester::types::Region;

use crate::context::Context;
use crate::output::{Problem, note};

/// The account and region that the stack goes to.
pub struct Site {
    /// The parts, wired as the file says.
    pub forester: Forester,
    /// The account in the region of the stack.
    pub scope: Scope,
    /// The accounts, and where it can be asked, the organization.
    pub forest: Forest,
}

impl Site {
    /// Asks who we are, where, and in which organization.
    pub async fn find(context: &Context) -> Result<Self, Problem> {
        let forester = context.forester().await?;
        let config = &forester.config;
        let region = forester
            .sdk
            .region()
            .ok_or_else(|| Problem::failed("no region is set, and the stack has to stand in one: set AWS_REGION"))?;
        if region != config.home_region {
            note(format_args!(
                "the stack is in {region}, and home_region of the file is {}: secrets and the kill switch are looked for \
                 there, everything else is here",
                config.home_region
            ));
        }
        let home = forester.accounts.home().await.map_err(Problem::failed)?;
        let scope = forester.accounts.scope(&home, &region).await.map_err(Problem::failed)?;
        let forest = match config.mode {
            OperatingMode::Organization => forester.directory.forest().await.map_err(Problem::failed)?,
            OperatingMode::VirtualRoot | OperatingMode::SingleAccount => Forest::default(),
        };
        Ok(Self { forester, scope, forest })
    }

    /// The file.
    pub fn config(&self) -> &Config {
        &self.forester.config
    }

    /// Whether this is the management account, which alone hears of the organization and has StackSets by default.
    pub fn is_management(&self) -> bool {
        self.forest.is_management(self.scope.account())
    }

    /// This account in another region.
    pub async fn elsewhere(&self, region: &Region) -> Result<Scope, Problem> {
        self.forester.accounts.scope(self.scope.account(), region).await.map_err(Problem::failed)
    }
}

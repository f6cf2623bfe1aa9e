//! The serial console: a way into instances past the network, which AWS keeps closed until somebody opens it
//! (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configure-access-to-serial-console.html>).

use async_trait::async_trait;
use serde_json::{Value, json};

use super::setting::{Set, Setting, State};
use crate::aws::{CallError, Scope};
use crate::config::Defaults;

/// Access to the serial console of instances.
pub struct SerialConsole;

#[async_trait]
impl Setting for SerialConsole {
    const NAME: &'static str = "serial-console";
    const WHAT: &'static str = "access to the serial console";

    fn wanted(defaults: &Defaults) -> Option<Set> {
        let disabled = defaults.serial_console == Some(crate::config::SerialConsole::Disabled);
        let summary = "disable the serial console of instances";
        disabled.then_some(Set { action: "disable-serial-console", to: "disabled", summary })
    }

    async fn read(scope: &Scope) -> Result<State, CallError> {
        let answer = scope.call("ec2", "GetSerialConsoleAccessStatus", json!({})).await?;
        let enabled = answer.get("SerialConsoleAccessEnabled") == Some(&Value::Bool(true));
        Ok(State::new(if enabled { "enabled" } else { "disabled" }, answer.get("ManagedBy")))
    }

    async fn write(scope: &Scope, _: &str) -> Result<(), CallError> {
        scope.call("ec2", "DisableSerialConsoleAccess", json!({})).await.map(drop)
    }
}

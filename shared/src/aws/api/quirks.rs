//! Where a service does not keep to its own model. The official SDKs have the same exceptions, and no others are needed
//! for the operations in use.

use serde_json::{Map, Value};

use super::serialize::Wire;

/// Members of Route 53 that come back with a path before the id, which must not go into the next request's path. Others
/// are called `Id`, too (those of query logging, of traffic policies): they go as they are.
const ROUTE53_IDS: [&str; 3] = ["Id", "HostedZoneId", "DelegationSetId"];
const ROUTE53_PATHS: [&str; 3] = ["hostedzone/", "delegationset/", "change/"];

/// Changes parameters before they are serialized.
pub(super) fn params(service: &str, params: &mut Map<String, Value>) {
    if service != "route53" {
        return;
    }
    for name in ROUTE53_IDS {
        if let Some(Value::String(id)) = params.get_mut(name)
            && let Some(bare) = ROUTE53_PATHS.iter().find_map(|path| id.trim_start_matches('/').strip_prefix(path))
        {
            *id = bare.to_owned();
        }
    }
}

/// Adds to a request. API Gateway answers in HAL, which is in no model, unless it is asked for plain JSON.
pub(super) fn wire(service: &str, wire: &mut Wire) {
    if service == "apigateway" {
        wire.headers.push(("accept".to_owned(), "application/json".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(given: Value, expect: Value) {
        let Value::Object(mut given) = given else { panic!("an object") };
        params("route53", &mut given);
        assert_eq!(Value::Object(given), expect);
    }

    #[test]
    fn zone_ids_go_back_without_their_path() {
        check(json!({"Id": "/hostedzone/Z1", "Marker": "/a/b"}), json!({"Id": "Z1", "Marker": "/a/b"}));
        check(json!({"DelegationSetId": "/delegationset/N1"}), json!({"DelegationSetId": "N1"}));
        check(json!({"HostedZoneId": "Z1"}), json!({"HostedZoneId": "Z1"}));
    }

    #[test]
    fn ids_of_other_things_go_as_they_are() {
        check(json!({"Id": "a/b"}), json!({"Id": "a/b"}));
    }
}

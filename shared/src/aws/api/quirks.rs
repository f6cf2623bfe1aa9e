//! Where a service does not keep to its own model. The official SDKs have the same exceptions, and no others are needed
//! for the operations in use.

use serde_json::{Map, Value};

use super::serialize::Wire;

/// Members of Route 53 that come back with a path before the id, which must not go into the next request's path.
const ROUTE53_IDS: [&str; 2] = ["Id", "HostedZoneId"];

/// Changes parameters before they are serialized.
pub(super) fn params(service: &str, params: &mut Map<String, Value>) {
    if service != "route53" {
        return;
    }
    for name in ROUTE53_IDS {
        if let Some(Value::String(id)) = params.get_mut(name)
            && let Some((_, bare)) = id.rsplit_once('/')
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

    #[test]
    fn zone_ids_go_back_without_their_path() {
        let Value::Object(mut given) = json!({"Id": "/hostedzone/Z1", "Marker": "/a/b"}) else { panic!("an object") };
        params("route53", &mut given);
        assert_eq!(Value::Object(given), json!({"Id": "Z1", "Marker": "/a/b"}));
    }
}

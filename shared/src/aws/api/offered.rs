//! Whether a service is offered in a region, for when its name does not resolve.
//!
//! AWS has no error for "not offered here": the host has no name. But with DNS in trouble no host has one, and an account
//! would look empty. So a name that is missing means "not offered" only where nobody knows better: not where botocore's
//! endpoints list the service, and not while a name that is known to exist in the same region does not resolve either.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::super::ErrorClass;
use super::model::Service;
use crate::types::Region;

/// Written by `shared/models/generate.py`.
const TEXT: &str = include_str!("../../../catalogue/offered.json");

/// A service that every region has.
const EVERYWHERE: &str = "ec2";

#[derive(Debug, Default, serde::Deserialize)]
struct Partition {
    regions: String,
    services: BTreeMap<String, String>,
}

/// What a missing name means.
pub(super) async fn nameless(service: &str, region: &Region) -> ErrorClass {
    decided(known(service, region), neighbour(region)).await
}

async fn decided(known: bool, neighbour: impl Future<Output = bool>) -> ErrorClass {
    if known || !neighbour.await { ErrorClass::Transient } else { ErrorClass::Unavailable }
}

/// Whether the service is known to be in the region.
fn known(service: &str, region: &Region) -> bool {
    static READ: OnceLock<BTreeMap<String, Partition>> = OnceLock::new();
    // Data that cannot be read knows nothing; the neighbour still has a say.
    let table = READ.get_or_init(|| serde_json::from_str(TEXT).unwrap_or_default());
    let Some(partition) = table.get(region.partition().id()) else { return false };
    let among = |list: &str| list.split(' ').any(|one| one == region.as_ref());
    match partition.services.get(service).map(String::as_str) {
        None => false,
        Some("") => among(&partition.regions),
        Some(list) => match (list.strip_prefix('+'), list.strip_prefix('-')) {
            (Some(only), _) => among(only),
            (_, Some(except)) => among(&partition.regions) && !among(except),
            (None, None) => false,
        },
    }
}

/// Whether a name that must exist in the region resolves now.
async fn neighbour(region: &Region) -> bool {
    let endpoint = Service::named(EVERYWHERE).and_then(|service| service.endpoints.get(region.partition().id()));
    let Some(endpoint) = endpoint else { return false };
    let host = endpoint.except.get(region.as_ref()).unwrap_or(endpoint).host.replace("{region}", region.as_ref());
    tokio::net::lookup_host((host, 443)).await.is_ok_and(|mut found| found.next().is_some())
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    fn check(service: &str, region: &str, expect: bool) {
        assert_eq!(known(service, &region.parse().unwrap()), expect, "{service} in {region}");
    }

    #[test]
    fn regions_of_services_are_known() {
        check("ec2", "eu-west-1", true);
        check("iam", "eu-west-1", true);
        check("kendra", "eu-west-1", true);
        check("kendra", "eu-south-2", false);
        check("ec2", "cn-north-1", true);
        check("ec2", "eu-west-99", false);
        check("nothing-like-it", "eu-west-1", false);
    }

    #[tokio::test]
    async fn missing_name_of_a_known_service_is_trouble_with_names() {
        assert_eq!(decided(true, ready(true)).await, ErrorClass::Transient);
        assert_eq!(decided(true, ready(false)).await, ErrorClass::Transient);
    }

    #[tokio::test]
    async fn missing_name_of_an_unknown_service_means_not_offered_only_if_a_neighbour_has_a_name() {
        assert_eq!(decided(false, ready(true)).await, ErrorClass::Unavailable);
        assert_eq!(decided(false, ready(false)).await, ErrorClass::Transient);
    }
}

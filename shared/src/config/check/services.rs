//! Checks of the services that look after accounts.

use super::{Spot, account_name, audit};
use crate::config::load::Problems;
use crate::config::{Config, Services};
use crate::types::AccountId;

pub(super) fn services(config: &Config, services: &Services, problems: &mut Problems, spot: &Spot) {
    if let Some(admin) = &services.admin {
        let spot = spot.key("admin");
        if admin.parse::<AccountId>().is_err() {
            account_name(admin, problems, &spot);
        }
        let layers = config.layers.iter().filter_map(|layer| layer.services.as_ref());
        if let Some(other) = layers.filter_map(|services| services.admin.as_ref()).find(|other| *other != admin) {
            problems.add(&spot, format!("another layer names `{other}`; an organization has one administrator"));
        }
    }
    if let Some(template) = &services.config_bucket {
        audit::bucket(template, problems, &spot.key("config_bucket"));
    }
    if services.config_days == Some(0) {
        problems.add(&spot.key("config_days"), "0 days would keep nothing; expected 1 or more, or no key: for ever");
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems_of;

    #[test]
    fn administrator_is_an_account_of_the_file() {
        assert_eq!(problems_of("services: {admin: audit, guardduty: auto}"), Vec::<String>::new());
        let found = problems_of("services: {admin: adit, config_bucket: A_b, config_days: 0}");
        assert!(found.len() == 3 && found[0].contains("`adit` is not an account of this file"), "{found:?}");
    }

    #[test]
    fn layers_name_one_administrator() {
        let found =
            problems_of("services: {admin: audit}}\n- {match: {all: true}, services: {admin: \"222233334444\"}");
        assert!(found.len() == 2 && found[0].contains("an organization has one administrator"), "{found:?}");
    }
}

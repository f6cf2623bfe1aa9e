//! Plans one side of each pair.

use super::super::super::{Planned, Target};
use super::read::{Connection, Mesh, Network, Peer, Table};
use super::{Action, Route, cidr};
use crate::types::AccountId;

pub(super) fn plan(target: &Target, mesh: &Mesh, planned: &mut Planned<Action>) {
    let own = match mesh.networks.as_slice() {
        [one] => one,
        [] => {
            let others: Vec<&str> = mesh.peers.iter().map(|peer| peer.name.as_str()).collect();
            let what = format!("peering with {}", others.join(", "));
            return planned.kept.push((what, format!("no VPC here carries {}", mesh.tag)));
        }
        many => return planned.problems.push(several("this account", many, &mesh.tag)),
    };
    for peer in &mesh.peers {
        match reachable(target, mesh, peer, planned) {
            Some((account, network)) => one(target, mesh, own, (peer, account, network), planned),
            None => continue,
        }
    }
}

/// The other account and its VPC, where there is one; else the reason is told.
fn reachable<'a>(
    target: &Target,
    mesh: &Mesh,
    peer: &'a Peer,
    planned: &mut Planned<Action>,
) -> Option<(&'a AccountId, &'a Network)> {
    let what = format!("peering with {}", peer.name);
    let Some(account) = peer.account.as_ref().filter(|account| **account != target.account.id) else {
        planned.kept.push((what, "there is no such account yet".to_owned()));
        return None;
    };
    match peer.networks.as_deref() {
        Ok([one]) => return Some((account, one)),
        Ok([]) => planned.kept.push((what, format!("no VPC there carries {}", mesh.tag))),
        Ok(many) => planned.problems.push(several(&peer.name, many, &mesh.tag)),
        Err((_, true)) => planned.awaits.push((what, account.clone())),
        Err((reason, false)) => planned.problems.push(format!("{} cannot be read: {reason}", peer.name)),
    }
    None
}

fn one(
    target: &Target,
    mesh: &Mesh,
    own: &Network,
    (peer, account, network): (&Peer, &AccountId, &Network),
    planned: &mut Planned<Action>,
) {
    if let Some((ours, theirs)) = cidr::overlap(&own.cidrs, &network.cidrs) {
        let problem = format!(
            "{} ({ours}) and {} of {} ({theirs}) overlap: AWS peers no such VPCs",
            own.id, network.id, peer.name
        );
        return planned.problems.push(problem);
    }
    let side = |account: &AccountId, network: &Network| (account.to_string(), network.id.clone());
    let (here, there) = (side(&target.account.id, own), side(account, network));
    let ours = |found: &&Connection| {
        let sides = (&found.requester, &found.accepter);
        found.is_alive() && (sides == (&here, &there) || sides == (&there, &here))
    };
    let name = || peer.name.clone();
    match mesh.connections.iter().find(ours) {
        Some(found) => {
            let pending = found.status == "pending-acceptance";
            if pending && found.accepter == here {
                planned.steps.push(Action::AcceptPeering { peer: name(), connection: found.id.clone() });
            } else if pending {
                planned
                    .kept
                    .push((format!("{} with {}", found.id, peer.name), "it is not accepted there yet".to_owned()));
            }
            let routes = routes(mesh, network, Some(&found.id), planned);
            planned.steps.extend(routes.into_iter().map(|route| Action::RouteToPeer {
                peer: name(),
                connection: found.id.clone(),
                route,
            }));
        }
        None if peer.asked => {
            let routes = routes(mesh, network, None, planned);
            planned.steps.push(Action::RequestPeering {
                peer: name(),
                account: account.clone(),
                vpc: own.id.clone(),
                peer_vpc: network.id.clone(),
                name: format!("forester-{}-{}", target.account.name, peer.name),
                routes,
            });
        }
        None => planned.awaits.push((format!("peering with {}", peer.name), account.clone())),
    }
}

/// The routes that are missing in each table. One that goes over a connection that is there no more is replaced.
fn routes(mesh: &Mesh, network: &Network, connection: Option<&str>, planned: &mut Planned<Action>) -> Vec<Route> {
    let mut missing = Vec::new();
    for (Table { id, routes }, cidr) in
        mesh.tables.iter().flat_map(|table| network.cidrs.iter().map(move |c| (table, c)))
    {
        let route = |replaces| Route { table: id.clone(), cidr: cidr.clone(), replaces };
        match routes.get(cidr) {
            None => missing.push(route(false)),
            Some(via) if Some(via.id.as_str()) == connection => {}
            Some(via) if via.blackhole && via.id.starts_with("pcx-") => missing.push(route(true)),
            Some(via) => {
                planned.kept.push((format!("the route to {cidr} in {id}"), format!("it goes over {}", via.id)))
            }
        }
    }
    missing
}

fn several(whose: &str, networks: &[Network], tag: &str) -> String {
    let ids: Vec<&str> = networks.iter().map(|network| network.id.as_str()).collect();
    format!("{whose} has {} VPCs that carry {tag} ({}); one of an account is peered", ids.len(), ids.join(", "))
}

//! Blocks of IPv4 addresses, as far as peering has to know: VPCs whose blocks overlap cannot be peered
//! (<https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html>).

use std::net::Ipv4Addr;

/// The first two blocks, one of each side, that overlap.
pub(super) fn overlap<'a>(ours: &'a [String], theirs: &'a [String]) -> Option<(&'a str, &'a str)> {
    ours.iter().flat_map(|one| theirs.iter().map(move |other| (one.as_str(), other.as_str()))).find(|(one, other)| {
        match (block(one), block(other)) {
            (Some(one), Some(other)) => {
                let bits = one.1.min(other.1);
                masked(one.0, bits) == masked(other.0, bits)
            }
            // What is no block is equal or not.
            _ => one == other,
        }
    })
}

fn block(text: &str) -> Option<(u32, u32)> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits) = (address.parse::<Ipv4Addr>().ok()?, bits.parse().ok()?);
    (bits <= 32).then_some((u32::from(address), bits))
}

fn masked(address: u32, bits: u32) -> u32 {
    address & u32::MAX.checked_shl(32 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, expect: bool) {
        assert_eq!(overlap(&[one.to_owned()], &[other.to_owned()]).is_some(), expect, "{one} {other}");
        assert_eq!(overlap(&[other.to_owned()], &[one.to_owned()]).is_some(), expect, "{other} {one}");
    }

    #[test]
    fn blocks_overlap_when_one_holds_the_other() {
        check("10.0.0.0/16", "10.0.3.0/24", true);
        check("10.0.0.0/16", "10.0.0.0/16", true);
        check("0.0.0.0/0", "10.1.0.0/16", true);
        check("10.0.0.0/16", "10.1.0.0/16", false);
        check("10.0.0.0/17", "10.0.128.0/17", false);
        check("10.0.0.1/32", "10.0.0.1/32", true);
    }
}

use super::*;
use crate::reset::receipt::KeptLine;

fn planned(n: usize) -> Planned {
    Planned {
        kind: if n == 40 { "AWS::EC2::Instance" } else { "AWS::SQS::Queue" }.to_owned(),
        id: format!("id-{n}"),
        name: "<!channel> ".repeat(100),
        region: "eu-west-1".to_owned(),
        trim: false,
    }
}

fn plan(many: usize) -> PlanReport {
    let kept = |n: usize| KeptLine {
        kind: "AWS::IAM::Role".to_owned(),
        id: n.to_string(),
        region: "global".to_owned(),
        reason: format!("reason {n}"),
    };
    PlanReport {
        account: "555566667777".parse().unwrap(),
        hash: "0123456789abcdef".to_owned(),
        delete: (0..many).map(planned).collect(),
        keep: (0..many).map(kept).collect(),
        unknown: Vec::new(),
        unseen: Vec::new(),
        uncovered: Vec::new(),
        calls: 0,
    }
}

#[test]
fn letter_is_short_however_much_goes() {
    let facts = contents(&plan(50_000), Catalogue::embedded().unwrap());
    assert!(facts.len() <= NAMED + 6, "{}", facts.len());
    assert!(facts.iter().any(|(name, text)| name == "stays" && text.ends_with("and 49990 others")));
}

#[test]
fn what_costs_by_the_hour_is_named_first() {
    let facts = contents(&plan(60), Catalogue::embedded().unwrap());
    assert!(facts[1].1.starts_with("AWS::EC2::Instance id-40"), "{:?}", facts[1]);
}

#[test]
fn empty_account_is_said_to_be_empty() {
    let facts = contents(&plan(0), Catalogue::embedded().unwrap());
    assert_eq!(facts[0].1, "nothing: the account is empty but for what stays");
}

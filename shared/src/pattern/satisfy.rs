//! Patterns that nothing fits: `$.a = "x" && $.a = "y"`.
//!
//! Only what is certain is told: within a conjunction every pair of conditions on one value is compared, and of a
//! disjunction every branch has to contradict what surrounds it.

use super::expr::Expr;
use super::json::{Condition, Test};
use super::value::{Comparison, Number, Operand, Operator};

/// Why no event fits the conditions, if none does.
pub(crate) fn contradiction(expr: &Expr<Condition>) -> Option<String> {
    among(expr, &mut Vec::new())
}

/// Why nothing fits the expression where the conditions `known` hold already.
fn among<'a>(expr: &'a Expr<Condition>, known: &mut Vec<&'a Condition>) -> Option<String> {
    match expr {
        Expr::One(condition) => {
            let against = known.iter().find_map(|other| clash(other, condition));
            known.push(condition);
            against
        }
        Expr::All(parts) => {
            // What is certain comes first, so that alternatives are held against all of it.
            let (alternatives, certain): (Vec<_>, Vec<_>) = parts.iter().partition(|part| matches!(part, Expr::Any(_)));
            certain.into_iter().chain(alternatives).find_map(|part| among(part, known))
        }
        Expr::Any(branches) => {
            let mut reason = None;
            let before = known.len();
            for branch in branches {
                let why = among(branch, known);
                known.truncate(before);
                reason = Some(why?);
            }
            reason
        }
    }
}

fn clash(a: &Condition, b: &Condition) -> Option<String> {
    if a.selector != b.selector || !a.selector.is_single() {
        return None;
    }
    (excludes(&a.test, &b.test) || excludes(&b.test, &a.test)).then(|| format!("`{a}` and `{b}` cannot both be so"))
}

fn excludes(a: &Test, b: &Test) -> bool {
    match (a, b) {
        (Test::Absent, Test::Absent) => false,
        (Test::Absent, _) | (_, Test::Absent) => true,
        (Test::Is(a), Test::Is(b)) => a != b,
        (Test::Is(value), Test::Compare(comparison)) | (Test::Compare(comparison), Test::Is(value)) => {
            !comparison.fits(value)
        }
        (Test::Compare(a), Test::Compare(b)) => apart(a, b),
    }
}

/// Whether what fits `a` surely does not fit `b`.
fn apart(a: &Comparison, b: &Comparison) -> bool {
    match (&a.operand, &b.operand) {
        (Operand::Text(text), _) if a.operator == Operator::Equal => {
            text.exact().is_some_and(|text| !b.fits_text(text) && !matches!(b.operand, Operand::Number(_)))
        }
        (Operand::Number(x), Operand::Number(y)) => numbers_apart((a.operator, x), (b.operator, y)),
        _ => false,
    }
}

/// Lower bound against upper bound, or a number against a bound.
fn numbers_apart((a, x): (Operator, &Number), (b, y): (Operator, &Number)) -> bool {
    let Some(order) = x.order(y) else { return false };
    match (a, b) {
        (Operator::Equal, _) => !b.holds(order),
        (Operator::Greater, Operator::Less | Operator::AtMost) | (Operator::AtLeast, Operator::Less) => order.is_ge(),
        (Operator::AtLeast, Operator::AtMost) => order.is_gt(),
        _ => false,
    }
}

//! What data cannot say: a file a quirk, chosen by `hook` in the catalogue.

mod bucket;
mod queue;
mod s3;
mod stack;

use super::catalogue::Hook;
use super::cloudcontrol;
use super::item::Outcome;
use super::steps::Attempt;

/// One attempt of a hook at one resource.
pub async fn delete(hook: Hook, attempt: &Attempt<'_>) -> Outcome {
    match hook {
        Hook::CloudControl => cloudcontrol::delete(attempt).await,
        Hook::S3Bucket => s3::delete(attempt).await,
        Hook::SqsQueue => queue::delete(attempt).await,
        Hook::Stack => stack::delete(attempt).await,
    }
}

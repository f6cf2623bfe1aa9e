//! Service models: what AWS publishes about its APIs, cut down by `shared/models/generate.py` and compiled in.
//!
//! A model is parsed when its service is first called (EC2's takes about two milliseconds), borrows its strings from the
//! text in the binary, and stays for the life of the process.

mod read;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// The compiled-in models, by service.
const MODELS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/models.rs"));

type Text = &'static str;

/// One service: how it is spoken to, where it is, and what it can do.
#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Service {
    /// Botocore's directory name.
    pub service: Text,
    /// The service id of the AWS SDK reference, which names `AWS_ENDPOINT_URL_<SERVICE>`.
    pub id: Text,
    pub protocol: Protocol,
    /// The API version, which the query protocols send.
    pub version: Text,
    /// The name that requests are signed for.
    pub signing: Text,
    /// The version in the content type of the JSON protocol.
    #[serde(default)]
    pub json: Text,
    /// What precedes the operation in `X-Amz-Target`.
    #[serde(default)]
    pub target: Text,
    /// Whether the JSON protocol carries the error codes of the query protocol that it replaced.
    #[serde(default)]
    pub query_compatible: bool,
    /// By partition.
    pub endpoints: BTreeMap<Text, Endpoint>,
    pub operations: HashMap<Text, Operation>,
    shapes: HashMap<Text, Shape>,
}

/// How a service wants requests on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Protocol {
    Ec2,
    Query,
    Json,
    RestJson,
    RestXml,
}

/// Where a service is in one partition.
#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Endpoint {
    /// A host name; `{region}` stands for the region called.
    pub host: Text,
    /// The region to sign for, where it is not the region called: the service is global.
    pub region: Option<Text>,
    /// Regions that differ.
    #[serde(default)]
    pub except: BTreeMap<Text, Endpoint>,
}

/// One operation.
#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Operation {
    pub method: Text,
    pub uri: Text,
    pub input: Option<Text>,
    pub output: Option<Text>,
    /// The element around the result, in the query protocol.
    pub wrapper: Option<Text>,
    pub host_prefix: Option<Text>,
    pub checksum: Option<Checksum>,
    pub page: Option<Page>,
}

/// How the body is summed.
#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Checksum {
    pub algorithm: Algorithm,
    /// The member by which a caller chooses another algorithm.
    pub member: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algorithm {
    Crc32,
    Md5,
}

/// How an operation is paged: token members pair up by position.
#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Page {
    #[serde(rename = "in")]
    pub tokens_in: Vec<Text>,
    #[serde(rename = "out")]
    pub tokens_out: Vec<Text>,
    pub results: Vec<Text>,
    pub more: Option<Text>,
}

/// The inside of a type that has one.
#[derive(Debug, serde::Deserialize)]
#[serde(tag = "k", bound(deserialize = "'de: 'static"))]
pub(crate) enum Shape {
    #[serde(rename = "s")]
    Structure(Structure),
    #[serde(rename = "l")]
    List(List),
    #[serde(rename = "m")]
    Map(Map),
}

#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Structure {
    #[serde(rename = "m")]
    pub members: Members,
    /// The member that is the whole body.
    pub payload: Option<Text>,
    /// The root element's name and namespace.
    #[serde(rename = "n")]
    pub name: Option<Text>,
    #[serde(rename = "ns")]
    pub namespace: Option<Text>,
    /// Exactly one member is set.
    #[serde(rename = "u", default)]
    pub union: bool,
}

#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct List {
    #[serde(rename = "e")]
    pub element: Member,
    #[serde(default)]
    pub flat: bool,
}

#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Map {
    pub key: Member,
    #[serde(rename = "e")]
    pub value: Member,
    #[serde(default)]
    pub flat: bool,
}

/// Members in the order of the model, which XML services may insist on.
#[derive(Debug)]
pub(crate) struct Members(Vec<(Text, Member)>);

/// A type as seen from one place, with what that place says about it.
#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct MemberTraits {
    #[serde(rename = "t")]
    pub kind: Kind,
    #[serde(rename = "n")]
    pub name: Option<Text>,
    pub at: Option<Location>,
    #[serde(rename = "f")]
    pub format: Option<TimeFormat>,
    /// The name in the EC2 protocol, where it differs.
    #[serde(rename = "q")]
    pub query: Option<Text>,
    #[serde(default)]
    pub flat: bool,
    /// An XML attribute rather than an element.
    #[serde(rename = "attr", default)]
    pub attribute: bool,
    /// `uri`, or `prefix uri`.
    #[serde(rename = "ns")]
    pub namespace: Option<Text>,
    /// Filled with a random token when absent, so that a retried request is not a second one.
    #[serde(default)]
    pub token: bool,
    /// Goes into the host prefix.
    #[serde(default)]
    pub label: bool,
    #[serde(rename = "req", default)]
    pub required: bool,
}

/// See [`MemberTraits`]; in the file a member without traits is its type alone.
#[derive(Debug)]
pub(crate) struct Member(MemberTraits);

impl std::ops::Deref for Member {
    type Target = MemberTraits;

    fn deref(&self) -> &MemberTraits {
        &self.0
    }
}

/// A type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    Integer,
    Float,
    Boolean,
    Blob,
    Timestamp,
    /// Any JSON.
    Document,
    /// An entry of the service's shapes.
    Shape(Text),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(crate) enum Location {
    #[serde(rename = "uri")]
    Uri,
    #[serde(rename = "querystring")]
    Query,
    #[serde(rename = "header")]
    Header,
    #[serde(rename = "headers")]
    Headers,
    #[serde(rename = "statusCode")]
    Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(crate) enum TimeFormat {
    #[serde(rename = "iso8601")]
    Iso8601,
    #[serde(rename = "unixTimestamp")]
    Unix,
    #[serde(rename = "rfc822")]
    Rfc822,
}

impl Service {
    /// The model of a service, or nothing when it is not compiled in.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        static PARSED: Mutex<BTreeMap<&'static str, &'static Service>> = Mutex::new(BTreeMap::new());
        let (name, text) = MODELS.iter().find(|(known, _)| *known == name)?;
        let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = parsed.get(name) {
            return Some(service);
        }
        // A test parses every model, so a failure here cannot happen in a build that passed.
        let service: &'static Self = Box::leak(Box::new(serde_json::from_str(text).ok()?));
        parsed.insert(name, service);
        Some(service)
    }

    /// The inside of a type, if it has one.
    pub(crate) fn shape(&self, kind: Kind) -> Option<&Shape> {
        match kind {
            Kind::Shape(name) => self.shapes.get(name),
            _ => None,
        }
    }

    /// A structure by name; inputs and outputs always are.
    pub(crate) fn structure(&self, name: Option<Text>) -> Option<&Structure> {
        match self.shapes.get(name?)? {
            Shape::Structure(structure) => Some(structure),
            _ => None,
        }
    }
}

impl Structure {
    /// The member that makes up the whole body, with its name.
    pub(crate) fn payload(&self) -> Option<(Text, &Member)> {
        let name = self.payload?;
        Some((name, self.members.get(name)?))
    }

    /// Whether some member goes into a request's body.
    pub(crate) fn has_body(&self) -> bool {
        self.members.iter().any(|(_, member)| member.at.is_none())
    }

    /// Whether some member comes in an answer's body.
    pub(crate) fn has_answer(&self) -> bool {
        self.members.iter().any(|(_, member)| member.in_answer())
    }
}

impl Members {
    /// A member by name.
    pub(crate) fn get(&self, name: &str) -> Option<&Member> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, member)| member)
    }

    /// All members, in the model's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Text, &Member)> {
        self.0.iter().map(|(name, member)| (*name, member))
    }
}

impl MemberTraits {
    /// The name on the wire, unless the protocol has rules of its own.
    pub(crate) fn wire_name<'a>(&self, member: &'a str) -> &'a str
    where
        'static: 'a,
    {
        self.name.unwrap_or(member)
    }

    /// Whether it comes in an answer's body. Places in the path and the query mean nothing there.
    pub(crate) fn in_answer(&self) -> bool {
        !matches!(self.at, Some(Location::Header | Location::Headers | Location::Status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_parses_and_every_reference_leads_somewhere() {
        for (name, text) in MODELS {
            let service: Service = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let resolves = |kind: Kind| {
                assert!(!matches!(kind, Kind::Shape(shape) if !service.shapes.contains_key(shape)), "{name}: {kind:?}");
            };
            for shape in service.shapes.values() {
                match shape {
                    Shape::Structure(found) => found.members.iter().for_each(|(_, member)| resolves(member.kind)),
                    Shape::List(found) => resolves(found.element.kind),
                    Shape::Map(found) => resolves(found.value.kind),
                }
            }
            for operation in service.operations.values() {
                assert!(operation.input.is_none() || service.structure(operation.input).is_some(), "{name}");
                assert!(operation.output.is_none() || service.structure(operation.output).is_some(), "{name}");
            }
            assert!(service.endpoints.contains_key("aws"), "{name}");
        }
    }

    #[test]
    fn cloudwatch_is_never_spoken_to_in_cbor() {
        assert_eq!(Service::named("cloudwatch").unwrap().protocol, Protocol::Query);
    }

    #[test]
    fn unknown_service_has_no_model() {
        assert!(Service::named("mainframe").is_none());
    }
}

//! YAML text as a tree in which every node knows its line, its column and its path.
//!
//! Only what the format needs: one document, strings as keys, no anchors, no tags. What a reader of the file could
//! take for one thing and the program for another (a duplicate key, an alias, a second document) is a problem.

use std::collections::BTreeMap;
use std::fmt;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Number, Value};

/// A position in the text, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub line: usize,
    pub column: usize,
}

impl From<&Marker> for Mark {
    fn from(marker: &Marker) -> Self {
        Self { line: marker.line().max(1), column: marker.col() + 1 }
    }
}

/// One node of the document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where its value starts; for an entry of a mapping, where its key starts.
    pub mark: Mark,
    /// Its place in the document, as people write it.
    pub path: Spot,
    pub data: Data,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    /// A scalar, and its text where it was written without quotes.
    Scalar(Value, Option<String>),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

impl Node {
    pub fn value(&self) -> Value {
        match &self.data {
            Data::Scalar(value, _) => value.clone(),
            Data::List(items) => items.iter().map(Self::value).collect(),
            Data::Map(entries) => entries.iter().map(|(key, node)| (key.clone(), node.value())).collect(),
        }
    }

    pub fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.data, step) {
            (Data::List(items), Step::Index(n)) => items.get(*n),
            (Data::Map(entries), Step::Key(key)) => entries.get(key),
            _ => None,
        }
    }

    /// The node at `spot`, or the nearest one above it that exists.
    pub fn nearest(&self, spot: &Spot) -> &Self {
        let mut node = self;
        for step in &spot.0 {
            let Some(next) = node.child(step) else { break };
            node = next;
        }
        node
    }

    /// Takes the node at `spot` out of its parent; `None` when there is none, or it is the whole document.
    pub fn take(&mut self, spot: &[Step]) -> Option<Self> {
        let (last, parents) = spot.split_last()?;
        let mut node = self;
        for step in parents {
            node = match (&mut node.data, step) {
                (Data::List(items), Step::Index(n)) => items.get_mut(*n)?,
                (Data::Map(entries), Step::Key(key)) => entries.get_mut(key)?,
                _ => return None,
            };
        }
        match (&mut node.data, last) {
            (Data::List(items), Step::Index(n)) if *n < items.len() => Some(items.remove(*n)),
            (Data::Map(entries), Step::Key(key)) => entries.remove(key),
            _ => None,
        }
    }
}

/// One step down into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A place in the file: `layers[2].budget.monthly`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot(pub Vec<Step>);

impl Spot {
    /// The place of `key` in the mapping here.
    pub fn key(&self, key: &str) -> Self {
        self.down(Step::Key(key.to_owned()))
    }

    /// The place of the `n`th element, counted from 0, of the list here.
    pub fn index(&self, n: usize) -> Self {
        self.down(Step::Index(n))
    }

    /// The place that `path` (`protect[2].tag.keep`) means from here.
    pub fn below(&self, path: &str) -> Self {
        let words = path.split(['.', '[', ']']).filter(|word| !word.is_empty());
        let step = |word: &str| word.parse().map_or_else(|_| Step::Key(word.to_owned()), Step::Index);
        Self(self.0.iter().cloned().chain(words.map(step)).collect())
    }

    fn down(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if n == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// What the text says, as far as it could be read, and everything that is wrong with it as YAML.
pub(super) struct Reading {
    pub root: Option<Node>,
    pub problems: Vec<(Mark, Spot, String)>,
}

/// Reads the whole text.
pub(super) fn read(text: &str) -> Reading {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.take(event, Mark::from(&span.start)),
            Err(error) => {
                let message = format!("this is not YAML: {}", error.info());
                builder.problem(Mark::from(error.marker()), message);
                return Reading { root: None, problems: builder.problems };
            }
        }
    }
    if builder.root.is_none() {
        builder.problem(Mark { line: 1, column: 1 }, "the file is empty; expected at least `version: 1`".to_owned());
    }
    Reading { root: builder.root, problems: builder.problems }
}

/// A collection that is still open.
struct Open {
    mark: Mark,
    path: Spot,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: BTreeMap<String, Node>,
        key: Option<(String, Mark)>,
    },
    /// A collection in the place of a key: read to its end, and left out.
    BadKey,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    problems: Vec<(Mark, Spot, String)>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, mark: Mark) {
        match event {
            Event::DocumentStart(_) => self.document(mark),
            Event::Scalar(text, style, anchor, tag) => {
                self.extras(mark, anchor, tag.as_deref());
                self.scalar(mark, &text, style);
            }
            Event::SequenceStart(anchor, tag) => {
                self.extras(mark, anchor, tag.as_deref());
                self.begin(mark, Content::List(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.extras(mark, anchor, tag.as_deref());
                self.begin(mark, Content::Map { entries: BTreeMap::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(_) => {
                let message = "aliases (`*name`) are not part of this format: say it once in a layer";
                self.problem(mark, message.to_owned());
                self.value(mark, Data::Scalar(Value::Null, None));
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }

    fn document(&mut self, mark: Mark) {
        self.documents += 1;
        if self.documents == 2 {
            self.problem(mark, "a second document starts here; expected one document in the file".to_owned());
        }
    }

    fn extras(&mut self, mark: Mark, anchor: usize, tag: Option<&Tag>) {
        if anchor > 0 {
            let message = "anchors (`&name`) are not part of this format: say it once in a layer";
            self.problem(mark, message.to_owned());
        }
        if let Some(tag) = tag {
            self.problem(mark, format!("tags (`{}{}`) are not part of this format", tag.handle, tag.suffix));
        }
    }

    fn scalar(&mut self, mark: Mark, text: &str, style: ScalarStyle) {
        if let Some(Open { content: Content::Map { key: key @ None, .. }, .. }) = self.open.last_mut() {
            *key = Some((text.to_owned(), mark));
            return;
        }
        let plain = style == ScalarStyle::Plain;
        let value = if plain { resolve(text) } else { Value::from(text) };
        self.value(mark, Data::Scalar(value, plain.then(|| text.to_owned())));
    }

    fn begin(&mut self, mark: Mark, content: Content) {
        let as_key = matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }));
        let content = if as_key { Content::BadKey } else { content };
        self.open.push(Open { mark, path: self.here(), content });
    }

    fn end(&mut self) {
        let Some(Open { mark, content, .. }) = self.open.pop() else { return };
        match content {
            Content::List(items) => self.value(mark, Data::List(items)),
            Content::Map { entries, .. } => self.value(mark, Data::Map(entries)),
            Content::BadKey => {
                self.problem(mark, "a list or a mapping cannot be a key; expected a name".to_owned());
                if let Some(Open { content: Content::Map { key, .. }, .. }) = self.open.last_mut() {
                    *key = Some((String::new(), mark));
                }
            }
        }
    }

    /// Puts a finished value where it belongs.
    fn value(&mut self, mark: Mark, data: Data) {
        let path = self.here();
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(Node { mark, path, data });
            return;
        };
        match &mut open.content {
            Content::List(items) => items.push(Node { mark, path, data }),
            Content::Map { entries, key } => {
                let Some((key, at)) = key.take() else { return };
                if let Some(first) = entries.get(&key) {
                    let message = format!("`{key}` is given twice; the first one is in line {}", first.mark.line);
                    self.problems.push((at, path, message));
                } else {
                    entries.insert(key, Node { mark: at, path, data });
                }
            }
            Content::BadKey => {}
        }
    }

    /// The place of the value that comes next.
    fn here(&self) -> Spot {
        match self.open.last() {
            None => Spot::default(),
            Some(Open { path, content: Content::List(items), .. }) => path.index(items.len()),
            Some(Open { path, content: Content::Map { key: Some((key, _)), .. }, .. }) => path.key(key),
            Some(Open { path, .. }) => path.clone(),
        }
    }

    fn problem(&mut self, mark: Mark, message: String) {
        self.problems.push((mark, self.here(), message));
    }
}

/// What a scalar without quotes means, in YAML's core schema (<https://yaml.org/spec/1.2.2/#103-core-schema>).
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && text.contains(char::is_numeric);
    let number = numeric.then(|| text.parse().ok().and_then(Number::from_f64)).flatten();
    number.map_or_else(|| text.into(), Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, expect: Value) {
        let reading = read(text);
        assert_eq!(reading.problems, [], "{text}");
        assert_eq!(reading.root.unwrap().value(), expect);
    }

    fn refused(text: &str, line: usize, column: usize, expect: &str) {
        let reading = read(text);
        let (mark, _, message) = reading.problems.first().expect("no problem found");
        assert_eq!((*mark, message.contains(expect)), (Mark { line, column }, true), "{message}");
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        check(
            "a: 1\nb: -1.5\nc: yes\nd: true\ne: ~\nf:\ng: 1.2.3\nh: 12-34",
            json!({"a": 1, "b": -1.5, "c": "yes",
            "d": true, "e": null, "f": null, "g": "1.2.3", "h": "12-34"}),
        );
    }

    #[test]
    fn quotes_make_strings() {
        check("a: '1'\nb: \"true\"\nc: [x, \"~\"]", json!({"a": "1", "b": "true", "c": ["x", "~"]}));
    }

    #[test]
    fn entries_are_marked_at_their_key() {
        let root = read("a:\n  - b: 1\n    c: 2\n").root.unwrap();
        let node = root.nearest(&Spot::default().key("a").index(0).key("c"));
        assert_eq!((node.mark, node.path.to_string()), (Mark { line: 3, column: 5 }, "a[0].c".to_owned()));
    }

    #[test]
    fn duplicate_keys_are_refused() {
        refused("a: 1\nb: 2\na: 3", 3, 1, "`a` is given twice; the first one is in line 1");
    }

    #[test]
    fn anchors_aliases_and_tags_are_refused() {
        refused("a: &x 1", 1, 4, "anchors");
        let aliased = read("a: &x 1\nb: *x").problems;
        assert_eq!(aliased.len(), 2, "{aliased:?}");
        refused("a: !Ref x", 1, 4, "tags");
    }

    #[test]
    fn second_document_and_empty_file_are_refused() {
        refused("a: 1\n---\nb: 2", 2, 1, "second document");
        refused("", 1, 1, "empty");
        refused("# only a comment\n", 1, 1, "empty");
    }

    #[test]
    fn broken_text_is_told_with_its_place() {
        refused("a: [1, 2\nb: 3", 2, 2, "not YAML");
        refused("a:\n\t- 1", 2, 2, "not YAML");
    }

    #[test]
    fn collection_as_key_is_refused() {
        refused("? [a, b]\n: 1", 1, 3, "cannot be a key");
    }
}

//! ONNX files as protobuf messages, as much as it takes to add to one and to leave out of one: the rest is copied as it is,
//! so nothing that this program doesn't know about is lost.

use super::graph::Graph;
use std::collections::HashSet;
use std::ops::Range;

// Numbers of fields in onnx.proto: of the model, the graph, a tensor, a value.
const GRAPH: u64 = 7;
const NODE: u64 = 1;
const INITIALIZER: u64 = 5;
const INPUT: u64 = 11;
const OUTPUT: u64 = 12;
const FLOAT_DATA: u64 = 4;
const TENSOR_NAME: u64 = 8;
const RAW_DATA: u64 = 9;
const NAME: u64 = 1;

const LENGTH_DELIMITED: u64 = 2;

/// A field of a message.
struct Field {
    tag: u64,
    /// Where it lies, with tag and length.
    whole: Range<usize>,
    /// Its content, where that has a length.
    content: Range<usize>,
}

impl Field {
    fn is_message(&self, number: u64) -> bool {
        self.tag == (number << 3) | LENGTH_DELIMITED
    }
}

/// The file's content with `tensors` for outputs, and without the nodes and initializers that none of them needs: no
/// runtime leaves them out by itself.
pub(super) fn reduced_to(bytes: &[u8], graph: &Graph, tensors: &[String]) -> Result<Vec<u8>, &'static str> {
    let field = graph_field(bytes)?;
    let needed = graph.needed_for(tensors);
    let mut reduced = Vec::with_capacity(bytes.len());
    let mut nodes = needed.nodes.iter();
    let mut declared: HashSet<&str> = HashSet::new();
    let message = &bytes[field.content];
    for part in fields(message) {
        let part = part?;
        let content = &message[part.content.clone()];
        let names = |number| name(content, number).is_some_and(|name| needed.tensors.contains(name));
        let is_kept = match part.tag >> 3 {
            NODE => nodes.next().is_none_or(|is_needed| *is_needed),
            INITIALIZER => names(TENSOR_NAME),
            INPUT => names(NAME),
            OUTPUT => tensors
                .iter()
                .find(|tensor| name(content, NAME) == Some(tensor))
                .is_some_and(|tensor| declared.insert(tensor)),
            _ => true,
        };
        if is_kept {
            reduced.extend_from_slice(&message[part.whole]);
        }
    }
    for tensor in tensors.iter().filter(|tensor| declared.insert(tensor)) {
        push_output(&mut reduced, tensor);
    }
    let mut edited = bytes[..field.whole.start].to_vec();
    push_message(&mut edited, GRAPH, &reduced);
    edited.extend_from_slice(&bytes[field.whole.end..]);
    Ok(edited)
}

/// The string in a message's field of this number.
fn name(message: &[u8], number: u64) -> Option<&str> {
    let field = fields(message).map_while(Result::ok).find(|field| field.is_message(number))?;
    std::str::from_utf8(&message[field.content]).ok()
}

/// The file's content without the numbers of its initializers, raw or float32, which are nearly all of it.
pub(super) fn without_weights(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let field = graph_field(bytes)?;
    let mut graph = Vec::new();
    copy_fields(&mut graph, &bytes[field.content], |into, field, content| {
        if !field.is_message(INITIALIZER) {
            return Ok(false);
        }
        let mut tensor = Vec::new();
        copy_fields(
            &mut tensor,
            content,
            |_, field, _| Ok(field.is_message(RAW_DATA) || field.is_message(FLOAT_DATA)),
        )?;
        push_message(into, INITIALIZER, &tensor);
        Ok(true)
    })?;
    let mut light = bytes[..field.whole.start].to_vec();
    push_message(&mut light, GRAPH, &graph);
    light.extend_from_slice(&bytes[field.whole.end..]);
    Ok(light)
}

/// Copies a message's fields, but for those that `replaced` says it has dealt with.
fn copy_fields(
    into: &mut Vec<u8>,
    message: &[u8],
    replaced: impl Fn(&mut Vec<u8>, &Field, &[u8]) -> Result<bool, &'static str>,
) -> Result<(), &'static str> {
    for field in fields(message) {
        let field = field?;
        if !replaced(into, &field, &message[field.content.clone()])? {
            into.extend_from_slice(&message[field.whole]);
        }
    }
    Ok(())
}

/// The one field that holds the graph. Every field must end within the file.
fn graph_field(bytes: &[u8]) -> Result<Field, &'static str> {
    let mut found = None;
    for field in fields(bytes) {
        let field = field?;
        if field.is_message(GRAPH) && found.replace(field).is_some() {
            return Err("it holds more than one graph");
        }
    }
    found.ok_or("it holds no graph")
}

/// A message's fields, up to the first that is damaged.
fn fields(message: &[u8]) -> impl Iterator<Item = Result<Field, &'static str>> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let start = at.filter(|start| *start < message.len())?;
        let field = field(message, start);
        at = field.as_ref().ok().map(|field| field.whole.end);
        Some(field)
    })
}

fn field(message: &[u8], start: usize) -> Result<Field, &'static str> {
    let mut at = start;
    let tag = varint(message, &mut at).ok_or("it is no protobuf message")?;
    let length = match tag & 7 {
        0 => varint(message, &mut at).map(|_| 0),
        1 => Some(8),
        LENGTH_DELIMITED => varint(message, &mut at),
        5 => Some(4),
        _ => return Err("it is no protobuf message"),
    };
    let length = length.and_then(|length| usize::try_from(length).ok());
    let end = length.and_then(|length| at.checked_add(length)).filter(|end| *end <= message.len());
    let end = end.ok_or("it ends too early: it is truncated, or no protobuf message")?;
    Ok(Field { tag, whole: start..end, content: at..end })
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Tag and length of a field; its content follows.
fn push_head(bytes: &mut Vec<u8>, number: u64, length: usize) {
    push_varint(bytes, (number << 3) | LENGTH_DELIMITED);
    push_varint(bytes, length as u64);
}

fn push_message(bytes: &mut Vec<u8>, number: u64, content: &[u8]) {
    push_head(bytes, number, content.len());
    bytes.extend_from_slice(content);
}

/// Appends `output { name: tensor }`; its type is inferred by whoever loads it.
fn push_output(bytes: &mut Vec<u8>, tensor: &str) {
    let mut value = Vec::with_capacity(tensor.len() + 8);
    push_message(&mut value, NAME, tensor.as_bytes());
    push_message(bytes, OUTPUT, &value);
}

//! `alike model show`: what a network is made of.

use crate::cli::Outcome;
use crate::environment::resolve_model;
use crate::output::{Printer, human_bytes, padded};
use alike::model::{Layer, Model, Summary};
use clap::Args;
use serde_json::json;
use unicode_width::UnicodeWidthStr;

#[derive(Args)]
pub(crate) struct ShowArgs {
    /// An ONNX file, or a name of `alike model list`
    #[arg(value_name = "NAME|FILE")]
    model: String,

    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ShowArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let model = resolve_model(&args.model)?;
    let summary = model.summary();
    if model.is_guessed() {
        printer.note(model.describe_guess());
    }
    if let Some(reason) = &summary.shapes_missing {
        printer.warning(format_args!("shapes are those that the graph declares: {reason}"));
    }
    if args.json {
        printer.line(serde_json::to_string_pretty(&as_json(&model, &summary))?)?;
    } else {
        print(&model, &summary, printer)?;
    }
    Ok(Outcome::Success)
}

fn print(model: &Model, summary: &Summary, printer: &Printer) -> anyhow::Result<()> {
    print_layers(&summary.layers, printer)?;
    printer.line(format_args!("parameters     {}", grouped(summary.parameters)))?;
    printer.line("")?;
    printer.line(format_args!("model          {}", model.id()))?;
    printer.line(format_args!("sha256         {}", model.id().sha256))?;
    printer.line(format_args!("size           {}", human_bytes(summary.bytes)))?;
    let origin = &model.manifest().origin;
    for (word, value) in [("source", &origin.source), ("revision", &origin.revision), ("licence", &origin.licence)] {
        if let Some(value) = value {
            printer.line(format_args!("{word:<14} {value}"))?;
        }
    }
    let (name, shape) = &summary.input;
    printer.line(format_args!("input          {name} {}", shown_shape(Some(shape))))?;
    for (name, shape) in &summary.outputs {
        printer.line(format_args!("output         {name} {}", shown_shape(shape.as_ref())))?;
    }
    printer.line(format_args!("preprocessing  {}", summary.preprocessing))?;
    let dims = |dims: Option<usize>| dims.map_or("none".to_owned(), |dims| dims.to_string());
    printer.line(format_args!("features       {}", dims(model.feature_dims())))?;
    printer.line(format_args!("classes        {}", dims(model.logit_dims())))?;
    Ok(())
}

fn print_layers(layers: &[Layer], printer: &Printer) -> anyhow::Result<()> {
    let title = |layer: &Layer| format!("{} ({})", layer.name, layer.op);
    let width = layers.iter().map(|layer| title(layer).width()).max().unwrap_or(0).clamp(12, 56);
    printer.line(format_args!("{}  OUTPUT SHAPE           PARAMETERS", padded("LAYER (OP)", width)))?;
    for layer in layers {
        let (title, shape) = (padded(&title(layer), width), padded(&shown_shape(layer.shape.as_ref()), 21));
        printer.line(format_args!("{title}  {shape} {:>11}", grouped(layer.parameters)))?;
    }
    Ok(())
}

fn shown_shape(shape: Option<&Vec<usize>>) -> String {
    shape.map_or("?".to_owned(), |shape| format!("{shape:?}"))
}

/// `3504872` as `3,504,872`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let starts_group = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    let digit = |(at, c): (usize, char)| if starts_group(at) { format!(",{c}") } else { c.to_string() };
    digits.chars().enumerate().map(digit).collect()
}

fn as_json(model: &Model, summary: &Summary) -> serde_json::Value {
    let tensor = |name: &str, shape: Option<&Vec<usize>>| json!({ "name": name, "shape": shape });
    let layer = |layer: &Layer| json!({ "name": layer.name, "op": layer.op, "shape": layer.shape, "parameters": layer.parameters });
    let origin = &model.manifest().origin;
    json!({
        "name": model.id().name,
        "sha256": model.id().sha256,
        "bytes": summary.bytes,
        "source": origin.source,
        "revision": origin.revision,
        "licence": origin.licence,
        "opset": summary.opset,
        "input": tensor(&summary.input.0, Some(&summary.input.1)),
        "outputs": summary.outputs.iter().map(|(name, shape)| tensor(name, shape.as_ref())).collect::<Vec<_>>(),
        "preprocessing": summary.preprocessing,
        "guessed": model.is_guessed(),
        "features": model.feature_dims(),
        "classes": model.logit_dims(),
        "parameters": summary.parameters,
        "layers": summary.layers.iter().map(layer).collect::<Vec<_>>(),
    })
}

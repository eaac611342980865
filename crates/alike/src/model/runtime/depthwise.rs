//! Depthwise convolutions of 3x3 (Howard et al., MobileNets, 2017): every channel has a filter of its own. rten 0.27
//! computes them one product at a time, and half of its time for a MobileNetV2 goes there; here a row's sums are made in
//! vector instructions. Each sum has the order that it has there (bias, then the filter row by row), so numbers are equal to
//! those that rten gives for the whole graph. That takes that it has the same convolutions to compute: those into which it
//! folds what follows stay with it (`pieces.rs`).

use pulp::{Arch, Simd, WithSimd};
use rten_onnx::onnx::{AttributeProto, NodeProto, TensorProto};
use std::collections::HashMap;

/// Side of the filters.
const SIDE: usize = 3;

type Filter = [f32; SIDE * SIDE];

/// A convolution of as many filters as channels.
pub(super) struct Depthwise {
    /// A channel's filter and bias.
    channels: Vec<(Filter, f32)>,
    /// Of rows and columns, 1 or 2.
    stride: usize,
    /// Zeros around the map: above, left, below, right.
    pads: [usize; 4],
}

/// `[1, channels, height, width]`.
pub(super) type Shape = [usize; 4];

impl Depthwise {
    /// `None` for other operators and other convolutions. `weights` are the graph's initializers by name.
    pub(super) fn read(node: &NodeProto, weights: &HashMap<&str, &TensorProto>) -> Option<Self> {
        let weight = |at: usize| node.input.get(at).and_then(|name| weights.get(name.as_str()));
        let filters = weight(1).filter(|_| node.op_type.as_deref() == Some("Conv"))?;
        let channels = usize::try_from(*filters.dims.first()?).ok()?;
        let square = i64::try_from(SIDE).ok()?;
        let attributes = Attributes(&node.attribute);
        let is_depthwise = filters.dims[1..] == [1, square, square] && attributes.group() == Some(channels);
        if !is_depthwise || !attributes.has_usual_filters() {
            return None;
        }
        let (stride, pads) = (attributes.stride()?, attributes.pads()?);
        let bias = if node.input.len() > 2 { floats(weight(2)?)? } else { vec![0.0; channels] };
        let filters: Vec<Filter> = floats(filters)?.as_chunks().0.to_vec();
        let fits = filters.len() == channels && bias.len() == channels;
        fits.then(|| Self { channels: filters.into_iter().zip(bias).collect(), stride, pads })
    }

    /// How many it takes and gives.
    pub(super) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Shape and values of the result; `None` where the input doesn't have the filters' number of channels, or is too small.
    pub(super) fn run(&self, [batch, channels, height, width]: Shape, input: &[f32]) -> Option<(Shape, Vec<f32>)> {
        let [above, left, below, right] = self.pads;
        let (rows, columns) = (height + above + below, width + left + right);
        if (batch, channels) != (1, self.channels.len()) || rows < SIDE || columns < SIDE {
            return None;
        }
        let (out_rows, out_columns) = ((rows - SIDE) / self.stride + 1, (columns - SIDE) / self.stride + 1);
        let mut output = vec![0.0; channels * out_rows * out_columns];
        let mut padded = vec![0.0; rows * columns];
        let maps = input.chunks_exact(height * width).zip(output.chunks_exact_mut(out_rows * out_columns));
        for ((map, sums), (filter, bias)) in maps.zip(&self.channels) {
            for (from, into) in map.chunks_exact(width).zip(padded.chunks_exact_mut(columns).skip(above)) {
                into[left..][..width].copy_from_slice(from);
            }
            let (padded, stride) = (&padded, self.stride);
            Arch::new().dispatch(Channel { padded, columns, sums, out_columns, filter: *filter, bias: *bias, stride });
        }
        Some(([1, channels, out_rows, out_columns], output))
    }
}

/// One channel's work.
struct Channel<'a> {
    padded: &'a [f32],
    columns: usize,
    sums: &'a mut [f32],
    out_columns: usize,
    filter: Filter,
    bias: f32,
    stride: usize,
}

impl WithSimd for Channel<'_> {
    type Output = ();

    /// The compiler makes the vector instructions, for which it must know the stride.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if self.stride == 1 { self.convolve::<1>() } else { self.convolve::<2>() }
    }
}

impl Channel<'_> {
    /// Written so that the compiler unrolls the filter and needs no checks: arrays made by closures it kept in memory, which
    /// took twice the time.
    #[inline(always)]
    fn convolve<const STRIDE: usize>(self) {
        let Self { padded, columns, sums, out_columns, filter, bias, .. } = self;
        let seen = out_columns * STRIDE - (STRIDE - 1);
        for (y, sums) in sums.chunks_exact_mut(out_columns).enumerate() {
            let rows = &padded[y * STRIDE * columns..];
            let taps = [shifted(rows, seen), shifted(&rows[columns..], seen), shifted(&rows[2 * columns..], seen)];
            for x in 0..out_columns {
                let mut sum = bias;
                for at in 0..SIDE * SIDE {
                    sum += taps[at / SIDE][at % SIDE][x * STRIDE] * filter[at];
                }
                sums[x] = sum;
            }
        }
    }
}

/// A row as each column of the filter sees it.
#[inline(always)]
fn shifted(row: &[f32], seen: usize) -> [&[f32]; SIDE] {
    [&row[..seen], &row[1..][..seen], &row[2..][..seen]]
}

struct Attributes<'a>(&'a [AttributeProto]);

impl Attributes<'_> {
    fn find(&self, name: &str) -> Option<&AttributeProto> {
        self.0.iter().find(|attribute| attribute.name.as_deref() == Some(name))
    }

    fn group(&self) -> Option<usize> {
        usize::try_from(self.find("group")?.i?).ok()
    }

    /// Whether filters have no gaps, and the padding is given in numbers.
    fn has_usual_filters(&self) -> bool {
        let dense = self.find("dilations").is_none_or(|dilations| dilations.ints.iter().all(|gap| *gap == 1));
        dense && self.find("auto_pad").is_none()
    }

    fn stride(&self) -> Option<usize> {
        match self.find("strides").map(|strides| strides.ints.as_slice()) {
            None | Some([1, 1]) => Some(1),
            Some([2, 2]) => Some(2),
            _ => None,
        }
    }

    fn pads(&self) -> Option<[usize; 4]> {
        let Some(pads) = self.find("pads") else { return Some([0; 4]) };
        let pads: Vec<usize> = pads.ints.iter().map(|pad| usize::try_from(*pad).ok()).collect::<Option<_>>()?;
        pads.try_into().ok()
    }
}

fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    let Some(raw) = &tensor.raw_data else { return Some(tensor.float_data.clone()) };
    let raw = raw.borrow();
    let values = raw.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    (tensor.data_type == Some(rten_onnx::onnx::DataType::FLOAT)).then(|| values.collect())
}

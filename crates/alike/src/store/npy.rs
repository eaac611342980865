//! The npy header (version 1.0 of numpy's format: `numpy.lib.format`).

/// The header of a C-order little-endian float32 array of shape `(rows, dims)`, its length a multiple of 64. The same
/// shape gives the same bytes, so that a file is checked by comparing.
pub(super) fn header(rows: usize, dims: usize) -> Vec<u8> {
    let dict = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dims}), }}");
    let length = (10 + dict.len() + 1).next_multiple_of(64);
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend(u16::try_from(length - 10).expect("two numbers take less than 65 kB").to_le_bytes());
    header.extend(dict.as_bytes());
    header.resize(length - 1, b' ');
    header.push(b'\n');
    header
}

/// A whole file: header and `rows * dims` numbers.
pub(crate) fn npy_file(rows: usize, dims: usize, values: &[f32]) -> Vec<u8> {
    let mut bytes = header(rows, dims);
    bytes.extend_from_slice(bytemuck::cast_slice(values));
    bytes
}

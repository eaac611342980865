//! Red, green and blue in 0..=1 to other colour spaces.

/// CIE L*a*b* of sRGB under D65: L* in 0..=100, a* and b* in about -108..=98 (CIE 15:2004; IEC 61966-2-1).
pub(super) fn lab(rgb: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = rgb.map(linear);
    let x = (0.412_453 * r + 0.357_580 * g + 0.180_423 * b) / 0.950_456;
    let y = 0.212_671 * r + 0.715_160 * g + 0.072_169 * b;
    let z = (0.019_334 * r + 0.119_193 * g + 0.950_227 * b) / 1.088_754;
    let [x, y, z] = [x, y, z].map(lightness);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Without sRGB's gamma.
fn linear(x: f32) -> f32 {
    if x <= 0.040_45 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
}

/// The cube root, straight near 0.
fn lightness(t: f32) -> f32 {
    const BEND: f32 = 216.0 / 24_389.0;
    if t > BEND { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 }
}

/// Hue in 0..1 (red is 0), saturation and value in 0..=1, as OpenCV's `COLOR_RGB2HSV` of floats (there in degrees).
pub(super) fn hsv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let value = r.max(g).max(b);
    let chroma = value - r.min(g).min(b);
    if chroma <= 0.0 {
        return [0.0, 0.0, value];
    }
    let sixths = if value == r {
        (g - b) / chroma
    } else if value == g {
        2.0 + (b - r) / chroma
    } else {
        4.0 + (r - g) / chroma
    };
    [(sixths / 6.0 + 1.0).fract(), chroma / value, value]
}

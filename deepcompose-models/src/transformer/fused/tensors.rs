//! Between tensors, whose matrix products are used, and slices, on which everything else runs.

use burn::tensor::{Device, Tensor, TensorData};

/// A tensor of these numbers, without a copy.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The numbers of a tensor: no copy where the tensor is the only owner on a CPU.
pub(super) fn data<const D: usize>(tensor: Tensor<D>) -> TensorData {
    let data = tensor.into_data();
    // Every tensor here is made from f32, or is a product of such.
    if data.as_slice::<f32>().is_ok() { data } else { data.convert::<f32>() }
}

/// The numbers, to read.
pub(super) fn read(data: &TensorData) -> &[f32] {
    data.as_slice().unwrap_or_default()
}

/// The numbers, to change.
pub(super) fn edit(data: &mut TensorData) -> &mut [f32] {
    data.as_mut_slice().unwrap_or_default()
}

/// The numbers of a tensor in a list.
pub(super) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = data(tensor);
    data.try_into_vec().unwrap_or_default()
}

//! Devices by name, for configuration files and command lines.

use burn::tensor::Device;

use crate::error::ModelError;

/// The device of a name.
///
/// | name | device | feature |
/// |---|---|---|
/// | `default` | burn's default among the features that are on | |
/// | `flex` | the CPU | `flex` |
/// | `cuda`, `cuda:1` | an NVIDIA GPU, by its number | `cuda` |
/// | `rocm`, `rocm:1` | an AMD GPU, by its number | `rocm` |
/// | `wgpu`, `vulkan`, `metal` | the GPU that the system prefers | the same |
/// | `ws://host:port`, `ws://host:port#1` | a device that a burn-remote server offers, by its number | `remote` |
///
/// ```
/// use deepcompose_models::device;
///
/// assert!(device("default").is_ok());
/// assert!(device("abacus").unwrap_err().to_string().contains("default"));
/// ```
///
/// # Errors
///
/// [`ModelError::OutOfRange`] for a name that this build does not know, with those that it does;
/// [`ModelError::Device`] if a remote server cannot be reached.
pub fn device(name: &str) -> Result<Device, ModelError> {
    #[cfg(feature = "remote")]
    if name.starts_with("ws://") || name.starts_with("wss://") {
        return remote(name);
    }
    let (kind, index) = match name.split_once(':') {
        None => (name, None),
        Some((kind, index)) => match index.parse::<usize>() {
            Ok(index) => (kind, Some(index)),
            Err(_) => return Err(unknown(name)),
        },
    };
    match (kind, index) {
        ("default", None) => Ok(Device::default()),
        #[cfg(feature = "flex")]
        ("flex", None) => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        ("cuda", index) => Ok(Device::cuda(index.unwrap_or(0))),
        #[cfg(feature = "rocm")]
        ("rocm", index) => Ok(Device::rocm(index.unwrap_or(0))),
        #[cfg(feature = "wgpu")]
        ("wgpu", None) => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "vulkan")]
        ("vulkan", None) => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "metal")]
        ("metal", None) => Ok(Device::metal(burn::tensor::DeviceKind::DefaultDevice)),
        _ => Err(unknown(name)),
    }
}

/// Whether a device is burn's CPU.
pub(crate) fn is_cpu(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    let is_cpu = device.clone().inner() == Device::flex();
    #[cfg(not(feature = "flex"))]
    let is_cpu = {
        let _ = device;
        false
    };
    is_cpu
}

fn unknown(name: &str) -> ModelError {
    let names = [
        ("default", true),
        ("flex", cfg!(feature = "flex")),
        ("cuda[:N]", cfg!(feature = "cuda")),
        ("rocm[:N]", cfg!(feature = "rocm")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("metal", cfg!(feature = "metal")),
        ("ws://HOST:PORT[#N]", cfg!(feature = "remote")),
    ];
    let known: Vec<&str> = names.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
    ModelError::range("device", name, format!("in this build {}", known.join(", ")))
}

#[cfg(feature = "remote")]
fn remote(name: &str) -> Result<Device, ModelError> {
    let (url, index) = match name.split_once('#') {
        None => (name, 0),
        Some((url, index)) => (url, index.parse::<usize>().map_err(|_| unknown(name))?),
    };
    let host = burn::remote::RemoteHost::websocket(url);
    let device = Device::remote_options(&host).device_index(index).init();
    device.map_err(|e| ModelError::Device(format!("{name}: {e}")))
}

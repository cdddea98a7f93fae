//! Averages of a network's weights over the steps of a training.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;

/// The average moved towards a network: `decay · average + (1 − decay) · network` for every parameter (Polyak and
/// Juditsky 1992, as exponential averages). Running statistics of batch norms are the network's own, which are
/// averages already. Both are plain networks, outside autodiff.
pub(crate) fn towards<M: Module>(average: M, network: &M, decay: f64) -> M {
    let mut collect = Collect { path: Vec::new(), values: TensorContainer::new() };
    network.visit(&mut collect);
    average.map(&mut Towards { path: Vec::new(), values: collect.values, decay })
}

/// The decay of a step, counted from zero: at most `decay`, and less at first, so that what a network was before
/// it had learnt anything is soon forgotten.
pub(crate) fn decay_at(step: usize, decay: f64) -> f64 {
    decay.min((1.0 + step as f64) / (10.0 + step as f64))
}

macro_rules! follow_path {
    () => {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
    };
}

struct Collect {
    path: Vec<String>,
    values: TensorContainer<String>,
}

impl ModuleVisitor for Collect {
    follow_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.register(self.path.join("."), param.val());
    }
}

struct Towards {
    path: Vec<String>,
    values: TensorContainer<String>,
    decay: f64,
}

impl ModuleMapper for Towards {
    follow_path!();

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(now) = self.values.get::<Tensor<D>>(&self.path.join(".")) else { return param };
        let running = self.path.last().is_some_and(|last| last.starts_with("running_"));
        let decay = if running { 0.0 } else { self.decay };
        param.map(|average| average.mul_scalar(decay) + now.mul_scalar(1.0 - decay))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig};
    use burn::tensor::Device;

    #[derive(Module, Debug)]
    struct Pair {
        linear: Linear,
        norm: BatchNorm,
    }

    fn pair(value: f64) -> Pair {
        let device = Device::default();
        let linear = LinearConfig::new(2, 1).with_initializer(Initializer::Constant { value }).init(&device);
        Pair { linear, norm: BatchNormConfig::new(3).init(&device) }
    }

    fn weight(pair: &Pair) -> f32 {
        pair.linear.weight.val().slice([0..1, 0..1]).into_scalar()
    }

    // From 0 towards 1 by a quarter, three times: 1 − (3/4)³ = 37/64.
    #[test]
    fn an_average_moves_by_its_share() {
        let network = pair(1.0);
        let mut average = pair(0.0);
        for _ in 0..3 {
            average = towards(average, &network, 0.75);
        }
        assert_eq!(weight(&average), 37.0 / 64.0);
    }

    #[test]
    fn running_statistics_are_the_networks() {
        let mut network = pair(1.0);
        network.norm.running_mean =
            burn::module::RunningState::new(Tensor::full([3], 5.0, &Device::default()));
        let average = towards(pair(0.0), &network, 0.999);
        let mean: Vec<f32> = average.norm.running_mean.value().try_into_vec_as().unwrap();
        assert_eq!(mean, [5.0; 3]);
    }

    #[test]
    fn the_first_steps_count_little() {
        assert_eq!([0, 8, 1_000_000].map(|step| decay_at(step, 0.99)), [0.1, 0.5, 0.99]);
        assert_eq!(decay_at(5, 0.0), 0.0);
    }
}

//! Kernels that are plain loops, compiled once for each set of instructions.

/// Makes a function of [`Instructions`](super::Instructions) and the arguments given, which runs the body compiled
/// for these instructions. Borrowed arguments have the lifetime `'a`.
macro_rules! rowwise {
    ($(#[$doc:meta])* pub fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        pub fn $name<'a>(instructions: super::Instructions, $($argument: $type),*) {
            struct Kernel<'a> {
                $($argument: $type,)*
                _borrowed: std::marker::PhantomData<&'a ()>,
            }

            impl pulp::WithSimd for Kernel<'_> {
                type Output = ();

                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _simd: S) {
                    let Self { $($argument,)* .. } = self;
                    $body
                }
            }

            instructions.run(Kernel { $($argument,)* _borrowed: std::marker::PhantomData });
        }
    };
}

pub(super) use rowwise;

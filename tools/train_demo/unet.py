"""The UNet, with the published model's kinds of blocks in small, and the linear filter it starts as.

Like the autoencoder it begins with a known answer, which training refines: the best
3x3 linear filter from the enlarged low-resolution latents to the true ones.
"""

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel

from .vae import LATENT_CHANNELS as C

TEXT_WIDTH = 32
NOISE_LEVEL_WIDTH = 128  # the pipeline puts 64 ones and 64 zeros in front of the pooled text
PEDESTAL = 8.0
GAIN_LIMIT = 4.0  # the gains grow without bound as sigma goes to 0


def make_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=128, in_channels=2 * C, out_channels=C + 1, act_fn="gelu", attention_head_dim=16, norm_num_groups=None,
        block_out_channels=[32, 48, 64, 64], layers_per_block=1, time_cond_proj_dim=NOISE_LEVEL_WIDTH + TEXT_WIDTH,
        conv_in_kernel=1, conv_out_kernel=1, cross_attention_dim=TEXT_WIDTH, mid_block_type=None,
        down_block_types=["KDownBlock2D"] + ["KCrossAttnDownBlock2D"] * 3,
        up_block_types=["KCrossAttnUpBlock2D"] * 3 + ["KUpBlock2D"],
        only_cross_attention=False, resnet_time_scale_shift="scale_shift", time_embedding_type="fourier",
        timestep_post_act="gelu", time_embedding_dim=64)


def timestep_condition(pooled: torch.Tensor) -> torch.Tensor:
    """What the pipeline gives the UNet beside the time: pooled text [B, D] -> [B, 128 + D]."""
    half = NOISE_LEVEL_WIDTH // 2
    return torch.cat([torch.ones(len(pooled), half), torch.zeros(len(pooled), half), pooled], 1)


@torch.no_grad()
def start_as_linear_filter(unet: UNet2DConditionModel, condition: torch.Tensor, latents: torch.Tensor) -> None:
    """Fits the filter to condition -> latents, both [B, C, H, W], and sets the weights to it.

    The estimate D = filter(condition) depends on the condition alone. The pipeline's preconditioning wants from the
    network F = a(sigma) * D - b(sigma) * x, with a = sqrt(sigma^2 + 1) / sigma and b = 1 / sigma. The last block computes
    both terms, and the norm inside it, which scales by the time embedding, supplies a and b.

    As in the autoencoder values travel as pairs, GELU(v) - GELU(-v) = v, beside a pair of constants. In the skip
    connection, which starts at channel 32 of the last block's input, conv_in has laid out:
    """
    conditions, noisy, constants = _span(0, C), _span(C, 2 * C), [12, 13]
    minus_conditions, features, minus_noisy = _span(14, 20), _span(20, 26), _span(26, 32)
    skip = 32

    for module in unet.modules():
        if type(module).__name__ == "ResnetBlockCondNorm2D":  # nearly silent at first
            module.conv2.weight.mul_(0.1)
            module.conv2.bias.zero_()
        if type(module).__name__ == "AdaGroupNorm":
            module.linear.weight.mul_(0.1)
            module.linear.bias.zero_()
    unet.time_embedding.cond_proj.weight[:, NOISE_LEVEL_WIDTH:] *= 0.05

    entry, last = unet.conv_in, unet.up_blocks[-1].resnets[0]
    named = [*conditions, *noisy, *constants, *minus_conditions, *minus_noisy]
    entry.weight[named], entry.bias[named] = 0, 0
    for i in range(C):  # conv_in sees the noisy latents first, then the condition
        entry.weight[conditions[i], C + i], entry.weight[minus_conditions[i], C + i] = 1, -1
        entry.weight[noisy[i], i], entry.weight[minus_noisy[i], i] = 1, -1
    entry.bias[constants[0]], entry.bias[constants[1]] = PEDESTAL, -PEDESTAL
    # These see the condition only: where a pixel lies under the nearest-neighbour enlargement stays visible.
    entry.weight[features, :C] = 0

    # The shortcut hands on condition and noisy latents, and leaves channels 12 to 17 to the block's own answer.
    answer = _span(12, 18)
    last.conv_shortcut.weight[:18] = 0
    for i in range(2 * C):
        last.conv_shortcut.weight[i, skip + i] = 1

    # First convolution: D and -D into 0..11, the noisy latents and their negatives into 14..25.
    taps, offset = _fit_filter(condition, latents)
    estimate, minus_estimate, noisy_kept, minus_noisy_kept = _span(0, 6), _span(6, 12), _span(14, 20), _span(20, 26)
    spread = _input_of(last.norm1, unet, condition)[:, skip:].std()  # norm1 divides by it
    first = last.conv1
    first.weight[:26], first.bias[:26] = 0, 0
    for sign, outputs in ((1, estimate), (-1, minus_estimate)):
        first.weight[outputs, skip:skip + C] = sign * taps * spread
        first.weight[outputs, skip + 14:skip + 14 + C] = -sign * taps * spread
        first.bias[outputs] = sign * offset
    for sign, outputs in ((1, noisy_kept), (-1, minus_noisy_kept)):
        for i in range(C):
            first.weight[outputs[i], skip + noisy[i], 1, 1] = sign * spread
            first.weight[outputs[i], skip + minus_noisy[i], 1, 1] = -sign * spread
    first.bias[constants[0]], first.bias[constants[1]] = PEDESTAL, -PEDESTAL

    # Between the convolutions: the gains a(sigma) and b(sigma) through the adaptive norm (which adds 1 to its scale).
    gain_of_estimate, gain_of_noisy = _fit_gains(unet, last.norm2)
    for gain, channels in ((gain_of_estimate, _span(0, 12)), (gain_of_noisy, _span(14, 26))):
        last.norm2.linear.weight[channels], last.norm2.linear.bias[channels] = gain[:-1], gain[-1] - 1

    # Second convolution: a * D - b * x, each out of its pair; conv_out picks the answer.
    spread = _input_of(last.norm2, unet, condition).std()
    last.conv2.weight[answer] = 0
    unet.conv_out.weight.mul_(0.05)
    unet.conv_out.weight[:, :18] = 0
    unet.conv_out.bias.zero_()
    for i in range(C):
        for sign, channels in ((1, estimate), (-1, minus_estimate), (-1, noisy_kept), (1, minus_noisy_kept)):
            last.conv2.weight[answer[i], channels[i], 1, 1] = sign * spread
        unet.conv_out.weight[i, answer[i]] = 1


def _span(begin: int, end: int) -> list[int]:
    return list(range(begin, end))


def _fit_filter(condition: torch.Tensor, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Least squares: the taps [C, C, 3, 3] and the offset [C] of the best 3x3 convolution."""
    patches = F.unfold(F.pad(condition, (1,) * 4, "replicate"), 3)
    patches = torch.cat([patches, torch.ones_like(patches[:, :1])], 1).permute(0, 2, 1).flatten(0, 1)
    solution = _least_squares(patches, latents.permute(0, 2, 3, 1).flatten(0, 2), 1e-3)
    return solution[:-1].T.reshape(C, C, 3, 3), solution[-1]


def _fit_gains(unet: UNet2DConditionModel, norm: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """The linear functions of the time embedding, offset last, that come nearest to the two gains."""
    sigma = torch.logspace(-1.55, 1.2, 300)
    seen = []
    hook = norm.linear.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    _run(unet, torch.zeros(len(sigma), 2 * C, 16, 16), torch.log(sigma) * 0.25)
    hook.remove()
    embedding = torch.cat([seen[0], torch.ones(len(sigma), 1)], 1)
    gains = torch.stack([(sigma**2 + 1).sqrt() / sigma, 1 / sigma], 1).clamp(max=GAIN_LIMIT)
    solution = _least_squares(embedding, gains, 1e-2)
    print(f"unet: gains fitted within {(embedding @ solution - gains).abs().max():.3f}")
    return solution[:, 0], solution[:, 1]


def _least_squares(inputs: torch.Tensor, wanted: torch.Tensor, damping: float) -> torch.Tensor:
    x, y = inputs.double(), wanted.double()
    return torch.linalg.solve(x.T @ x + damping * torch.eye(x.shape[1]).double(), x.T @ y).float()


def _input_of(module: torch.nn.Module, unet: UNet2DConditionModel, condition: torch.Tensor) -> torch.Tensor:
    """What arrives at the module in the middle of the schedule."""
    seen = []
    hook = module.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    _run(unet, torch.cat([torch.randn_like(condition), condition], 1), torch.tensor(0.5))
    hook.remove()
    return seen[0]


def _run(unet: UNet2DConditionModel, sample: torch.Tensor, timestep: torch.Tensor) -> None:
    batch = len(sample)
    text = torch.zeros(batch, 77, TEXT_WIDTH)
    unet(sample, timestep, encoder_hidden_states=text, timestep_cond=timestep_condition(torch.zeros(batch, TEXT_WIDTH)))

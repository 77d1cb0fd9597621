"""Grids, smooth noise and the operators that anatomy is drawn with."""

import numpy as np
import pytest
import scipy.ndimage

from tf_medsynth.phantoms import fields
from tf_medsynth.phantoms.fields import Grid

GRID = Grid((20, 24, 28), 2.0, (1.0, -3.0, 5.0))


def test_stream_is_named_by_seed_patient_and_purpose():
    names = [(1, 2, "a"), (1, 2, "b"), (1, 3, "a"), (2, 2, "a")]
    draws = [fields.stream(*name).random() for name in names]
    assert len(set(draws)) == 4
    assert fields.stream(1, 2, "a").random() == draws[0]


@pytest.mark.parametrize("wavelength", [10.0, 16.0])
def test_band_limited_noise_has_its_power_at_the_wavelength(wavelength):
    field = fields.noise(fields.stream(0, 0, "test"), GRID, wavelength, band=0.15)
    power = np.abs(np.fft.fftn(field)) ** 2
    waves = np.meshgrid(*(np.fft.fftfreq(n, GRID.spacing) for n in GRID.shape), indexing="ij")
    frequency = np.sqrt(sum(wave**2 for wave in waves))
    assert 1 / np.average(frequency, weights=power) == pytest.approx(wavelength, rel=0.15)
    assert field.mean() == pytest.approx(0, abs=1e-4)
    assert field.std() == pytest.approx(1, abs=1e-4)


def test_sampler_repeats_the_grid_and_is_exact_on_a_plane():
    z, y, x = GRID.positions()
    plane = (2 * z - y + 0.5 * x + 3).astype(np.float32)
    target = Grid((5, 6, 7), 1.3, (9.0, 6.0, 15.0))
    z, y, x = target.positions()
    np.testing.assert_allclose(
        fields.Sampler(GRID, target)(plane), 2 * z - y + 0.5 * x + 3, rtol=1e-4, atol=1e-3
    )
    np.testing.assert_allclose(fields.Sampler(GRID, GRID)(plane), plane, atol=1e-4)


def test_refined_cells_average_back_to_the_coarse_cell():
    z, _, _ = GRID.refined(3).positions()
    fine = np.broadcast_to(z, GRID.refined(3).shape)
    np.testing.assert_allclose(fields.block_mean(fine, 3)[:, 0, 0], GRID.axis(0), atol=1e-4)


def test_distance_to_a_sphere():
    z, y, x = Grid((40, 40, 40), 1.0, (-19.5, -19.5, -19.5)).positions()
    radius = np.sqrt(z**2 + y**2 + x**2)
    signed = fields.distance(12 - radius, 1.0)
    near = (radius > 6) & (radius < 16)
    assert np.abs(signed - (12 - radius))[near].max() < 0.9


@pytest.mark.parametrize("sigma", [0.3, 1.4])
def test_blur_is_a_gaussian_integrated_over_each_voxel(sigma):
    fine = 15
    impulse = np.zeros(11 * fine)
    impulse[5 * fine : 6 * fine] = 1 / fine
    aperture = scipy.ndimage.gaussian_filter1d(impulse, sigma * fine, truncate=6)
    centres = aperture[fine // 2 :: fine]
    point = np.zeros((11, 11, 11), np.float32)
    point[5, 5, 5] = 1
    line = fields.blur(point, (0.7, 0.9, sigma)).sum(axis=(0, 1))
    np.testing.assert_allclose(line, centres * fine, atol=2e-3)


def test_occupancy_is_the_share_of_a_voxel_within_a_plane():
    shares = fields.occupancy(np.array([-2, -0.5, 0, 0.5, 2], np.float32), 2.0)
    np.testing.assert_allclose(shares, [0, 0.25, 0.5, 0.75, 1])


def test_smooth_maximum_fills_only_the_corner():
    far, near = np.float32([10.0, 1.0]), np.float32([-10.0, 1.0])
    assert fields.smooth_max(far, near, 1.0)[0] == pytest.approx(10, abs=0.05)
    assert fields.smooth_max(far, near, 1.0)[1] == pytest.approx(1.5)
    assert fields.smooth_min(far, near, 1.0)[1] == pytest.approx(0.5)

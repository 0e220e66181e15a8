"""DCGAN's step: two networks, two optimizers, real and fake batches, `weights_init`."""

import torch
import torch.nn as nn
import torch.optim as optim

from tests.ports.draws import fill, normal, pictures

nz, ngf, ndf = 8, 8, 8


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        m.weight.data.mul_(0.5)
    elif classname.find("BatchNorm") != -1:
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, 1, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 1, 4, 1, 0, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, input):
        return self.main(input).view(-1, 1).squeeze(1)


def main():
    netG, netD = Generator().double(), Discriminator().double()  # float32 amplifies its rounding
    fill(netG, netD)
    netG.apply(weights_init)
    netD.apply(weights_init)
    criterion = nn.BCELoss()
    real_label, fake_label = 1.0, 0.0
    # With the usual eps PyTorch on one thread and on two differ by 2e-3: Adam makes whole steps
    # of gradients that are rounding alone.
    optimizerD = optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999), eps=1e-4)
    optimizerG = optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999), eps=1e-4)
    losses = []
    for i in range(8):
        netD.zero_grad()
        real = torch.from_numpy(pictures(16, 16, seed=i)[0]).double() * 2 - 1
        b_size = real.size(0)
        label = torch.full((b_size,), real_label, dtype=torch.double)
        errD_real = criterion(netD(real), label)
        errD_real.backward()
        noise = torch.from_numpy(normal(b_size, nz, 1, 1, seed=i)).double()
        fake = netG(noise)
        label.fill_(fake_label)
        errD_fake = criterion(netD(fake.detach()), label)
        errD_fake.backward()
        errD = errD_real + errD_fake
        optimizerD.step()
        netG.zero_grad()
        label.fill_(real_label)
        output = netD(fake)
        errG = criterion(output, label)
        errG.backward()
        optimizerG.step()
        losses += [errD.item(), errG.item(), output.mean().item()]
    return losses

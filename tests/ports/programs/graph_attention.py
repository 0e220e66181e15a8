"""A graph convolution and graph attention on a small graph of two communities."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import Adam

from tests.ports.draws import fill, normal


class GraphConv(nn.Module):
    def __init__(self, input_dim, output_dim, use_bias=False):
        super(GraphConv, self).__init__()
        self.kernel = nn.Parameter(torch.Tensor(input_dim, output_dim))
        nn.init.xavier_normal_(self.kernel)
        self.bias = None
        if use_bias:
            self.bias = nn.Parameter(torch.Tensor(output_dim))
            nn.init.zeros_(self.bias)

    def forward(self, input_tensor, adj_mat):
        output = torch.mm(adj_mat, torch.mm(input_tensor, self.kernel))
        return output if self.bias is None else output + self.bias


class GraphAttentionLayer(nn.Module):
    def __init__(self, in_features, out_features, n_heads, concat=False):
        super(GraphAttentionLayer, self).__init__()
        self.n_heads, self.concat = n_heads, concat
        self.n_hidden = out_features // n_heads if concat else out_features
        self.W = nn.Parameter(torch.empty(size=(in_features, self.n_hidden * n_heads)))
        self.a = nn.Parameter(torch.empty(size=(n_heads, 2 * self.n_hidden, 1)))
        self.leakyrelu = nn.LeakyReLU(0.2)
        self.softmax = nn.Softmax(dim=1)
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.xavier_normal_(self.W)
        nn.init.xavier_normal_(self.a)

    def forward(self, h, adj_mat):
        n_nodes = h.shape[0]
        h_transformed = torch.mm(h, self.W)
        h_transformed = h_transformed.view(n_nodes, self.n_heads, self.n_hidden).permute(1, 0, 2)
        source_scores = torch.matmul(h_transformed, self.a[:, : self.n_hidden, :])
        target_scores = torch.matmul(h_transformed, self.a[:, self.n_hidden :, :])
        e = self.leakyrelu(source_scores + target_scores.mT)
        connectivity_mask = -9e16 * torch.ones_like(e)
        e = torch.where(adj_mat > 0, e, connectivity_mask)
        h_prime = torch.matmul(F.softmax(e, dim=-1), h_transformed)
        if self.concat:
            return h_prime.permute(1, 0, 2).contiguous().view(n_nodes, self.n_heads * self.n_hidden)
        return h_prime.mean(dim=0)


class GAT(nn.Module):
    def __init__(self):
        super(GAT, self).__init__()
        self.gcn = GraphConv(6, 8, use_bias=True)
        self.gat1 = GraphAttentionLayer(8, 8, 4, concat=True)
        self.elu = nn.ELU()
        self.gat2 = GraphAttentionLayer(8, 2, 1)

    def forward(self, x, adj, norm):
        x = F.relu(self.gcn(x, norm))
        x = self.elu(self.gat1(x, adj))
        return F.log_softmax(self.gat2(x, adj), dim=1)


def main():
    rng = np.random.default_rng(2)
    labels = torch.from_numpy(np.arange(24) % 2)
    same = np.arange(24)[:, None] % 2 == np.arange(24) % 2
    edges = np.triu(rng.random((24, 24)) < np.where(same, 0.4, 0.05), 1)
    adj = torch.from_numpy((edges | edges.T | np.eye(24, dtype=bool)).astype(np.float32))
    degree = torch.pow(torch.sum(adj, dim=1), -0.5).flatten()
    degree[torch.isinf(degree)] = 0
    norm = torch.diag(degree) @ adj @ torch.diag(degree)
    x = F.normalize(torch.from_numpy(normal(24, 6, seed=3)) + labels.unsqueeze(1) * 0.5, dim=1)
    net = GAT()
    fill(net)
    optimizer = Adam(net.parameters(), lr=0.02, weight_decay=5e-4)
    idx_train, criterion, losses = torch.arange(16), nn.NLLLoss(), []
    for _ in range(20):
        net.train()
        optimizer.zero_grad()
        output = net(x, adj, norm)
        loss = criterion(output[idx_train], labels[idx_train])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    accuracy = output[16:].argmax(dim=1).eq(labels[16:]).float().mean()
    return losses + [accuracy.item()]
